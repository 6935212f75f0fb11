# Identities, and this server as an OpenID provider.
resource "vault_identity_entity" "app" {
  name     = "tf-app"
  policies = [vault_policy.app.name]
  metadata = local.first ? { team = "shop" } : { team = "shop", tier = "one" }
}

resource "vault_identity_entity_alias" "app" {
  name           = vault_approle_auth_backend_role.app.role_id
  canonical_id   = vault_identity_entity.app.id
  mount_accessor = vault_auth_backend.approle.accessor
}

resource "vault_identity_group" "apps" {
  name                       = "tf-apps"
  type                       = "internal"
  external_member_entity_ids = true
  external_policies          = true
  metadata                   = { step = tostring(var.step) }
}

resource "vault_identity_group_member_entity_ids" "apps" {
  group_id          = vault_identity_group.apps.id
  member_entity_ids = [vault_identity_entity.app.id]
  exclusive         = false
}

resource "vault_identity_group_policies" "apps" {
  group_id  = vault_identity_group.apps.id
  policies  = [vault_policy.app.name]
  exclusive = false
}

resource "vault_identity_group" "outside" {
  name     = "tf-outside"
  type     = "external"
  policies = [vault_policy.app.name]
}

resource "vault_identity_group_alias" "outside" {
  name           = "ops"
  mount_accessor = vault_ldap_auth_backend.ldap.accessor
  canonical_id   = vault_identity_group.outside.id
}

resource "vault_identity_oidc_key" "key" {
  name               = "tf-key"
  allowed_client_ids = ["*"]
  rotation_period    = local.first ? 3600 : 7200
  verification_ttl   = 7200
}

resource "vault_identity_oidc_role" "role" {
  name = "tf-role"
  key  = vault_identity_oidc_key.key.name
  ttl  = 3600
}

resource "vault_identity_oidc_scope" "groups" {
  name     = "tf-groups"
  template = jsonencode({ groups = "{{identity.entity.groups.names}}" })
}

resource "vault_identity_oidc_assignment" "apps" {
  name       = "tf-apps"
  entity_ids = [vault_identity_entity.app.id]
  group_ids  = [vault_identity_group.apps.id]
}

resource "vault_identity_oidc_client" "app" {
  name          = "tf-app"
  key           = vault_identity_oidc_key.key.name
  redirect_uris = ["https://app.example.com/callback"]
  assignments   = [vault_identity_oidc_assignment.apps.name]
  id_token_ttl  = 600
}

resource "vault_identity_oidc_provider" "app" {
  name               = "tf-app"
  allowed_client_ids = [vault_identity_oidc_client.app.client_id]
  scopes_supported   = [vault_identity_oidc_scope.groups.name]
}

resource "vault_identity_mfa_totp" "totp" {
  issuer = "strongroom"
}

resource "vault_identity_mfa_login_enforcement" "apps" {
  name               = "tf-apps"
  mfa_method_ids     = [vault_identity_mfa_totp.totp.method_id]
  identity_group_ids = [vault_identity_group.outside.id]
}

data "vault_identity_entity" "app" {
  entity_name = vault_identity_entity.app.name
  lifecycle {
    postcondition {
      condition     = self.id == vault_identity_entity.app.id
      error_message = "another entity is found by that name"
    }
  }
}

data "vault_identity_group" "apps" {
  group_name = vault_identity_group.apps.name
}
