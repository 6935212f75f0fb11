# Policies, auth methods and tokens.
data "vault_policy_document" "app" {
  rule {
    path         = "${vault_mount.kv.path}/data/*"
    capabilities = local.first ? ["read"] : ["read", "update"]
    description  = "values"
  }
}

resource "vault_policy" "app" {
  name   = "tf-app"
  policy = data.vault_policy_document.app.hcl
}

resource "vault_auth_backend" "approle" {
  type        = "approle"
  path        = "tf-approle"
  description = local.first ? "first" : "second"
  tune {
    default_lease_ttl  = "1h"
    max_lease_ttl      = "2h"
    listing_visibility = "unauth"
  }
}

resource "vault_approle_auth_backend_role" "app" {
  backend            = vault_auth_backend.approle.path
  role_name          = "app"
  token_policies     = [vault_policy.app.name]
  token_ttl          = local.first ? 600 : 1200
}

resource "vault_approle_auth_backend_role_secret_id" "app" {
  backend   = vault_auth_backend.approle.path
  role_name = vault_approle_auth_backend_role.app.role_name
  metadata  = jsonencode({ by = "terraform" })
}

resource "vault_approle_auth_backend_login" "app" {
  backend   = vault_auth_backend.approle.path
  role_id   = vault_approle_auth_backend_role.app.role_id
  secret_id = vault_approle_auth_backend_role_secret_id.app.secret_id
}

data "vault_approle_auth_backend_role_id" "app" {
  backend   = vault_auth_backend.approle.path
  role_name = vault_approle_auth_backend_role.app.role_name
}

resource "vault_jwt_auth_backend" "jwt" {
  path                   = "tf-jwt"
  description            = "tokens of our cluster"
  jwt_validation_pubkeys = [trimspace(vault_transit_secret_backend_key.rsa.keys[0].public_key)]
  bound_issuer           = local.first ? "https://issuer.example.com" : "https://other.example.com"
}

resource "vault_jwt_auth_backend_role" "app" {
  backend         = vault_jwt_auth_backend.jwt.path
  role_name       = "app"
  role_type       = "jwt"
  user_claim      = "sub"
  bound_audiences = ["strongroom"]
  bound_claims    = { team = "shop" }
  claim_mappings  = { team = "team" }
  token_policies  = [vault_policy.app.name]
  token_ttl       = local.first ? 600 : 1200
}

resource "vault_auth_backend" "userpass" {
  type = "userpass"
  path = "tf-userpass"
}

resource "vault_generic_endpoint" "user" {
  path                 = "auth/${vault_auth_backend.userpass.path}/users/ann"
  ignore_absent_fields = true
  data_json            = jsonencode({ token_policies = [vault_policy.app.name], password = "changeme-${var.step}" })
}

resource "vault_auth_backend" "kubernetes" {
  type = "kubernetes"
  path = "tf-kubernetes"
}

resource "vault_kubernetes_auth_backend_config" "cluster" {
  backend                = vault_auth_backend.kubernetes.path
  kubernetes_host        = "https://127.0.0.1:6443"
  kubernetes_ca_cert     = "none"
  disable_iss_validation = true
}

resource "vault_kubernetes_auth_backend_role" "app" {
  backend                          = vault_auth_backend.kubernetes.path
  role_name                        = "app"
  bound_service_account_names      = ["app"]
  bound_service_account_namespaces = local.first ? ["shop"] : ["shop", "back"]
  token_policies                   = [vault_policy.app.name]
}

resource "vault_auth_backend" "cert" {
  type = "cert"
  path = "tf-cert"
}

resource "vault_cert_auth_backend_role" "app" {
  backend        = vault_auth_backend.cert.path
  name           = "app"
  certificate    = vault_pki_secret_backend_root_cert.root.certificate
  allowed_names  = ["app.example.com"]
  token_policies = [vault_policy.app.name]
}

resource "vault_ldap_auth_backend" "ldap" {
  path     = "tf-ldap"
  url      = "ldap://127.0.0.1:9"
  userdn   = "ou=people,dc=example,dc=com"
  userattr = local.first ? "uid" : "cn"
}

resource "vault_ldap_auth_backend_group" "ops" {
  backend   = vault_ldap_auth_backend.ldap.path
  groupname = "ops"
  policies  = [vault_policy.app.name]
}

resource "vault_token_auth_backend_role" "job" {
  role_name        = "tf-job"
  allowed_policies = [vault_policy.app.name]
  orphan           = true
  renewable        = true
  token_period     = local.first ? 3600 : 7200
  path_suffix      = "job"
}

resource "vault_token" "job" {
  role_name = vault_token_auth_backend_role.job.role_name
  policies  = [vault_policy.app.name]
  no_parent = true
}

data "vault_auth_backend" "approle" {
  path = vault_auth_backend.approle.path
}

data "vault_auth_backends" "all" {
  type       = "approle"
  depends_on = [vault_auth_backend.approle]
}
