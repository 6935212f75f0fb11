# Resources of the Vault API: engines and secrets. The other files: auth.tf, authority.tf, identity.tf.
terraform {
  required_providers {
    vault = {
      source  = "hashicorp/vault"
      version = "5.11.0"
    }
  }
}

variable "step" { type = number }

provider "vault" {}

locals {
  first = var.step == 1
}

resource "vault_mount" "kv" {
  path                      = "tf/kv"
  type                      = "kv"
  options                   = { version = "2" }
  description               = local.first ? "made by Terraform" : "changed by Terraform"
  default_lease_ttl_seconds = local.first ? 3600 : 7200
  max_lease_ttl_seconds     = 86400
}

resource "vault_kv_secret_backend_v2" "kv" {
  mount                = vault_mount.kv.path
  max_versions         = local.first ? 5 : 7
  cas_required         = false
  delete_version_after = 0
}

resource "vault_kv_secret_v2" "db" {
  mount               = vault_mount.kv.path
  name                = "prod/db"
  delete_all_versions = true
  data_json = local.first ? jsonencode({ user = "app", password = "first" }) : jsonencode({
    user = "app", password = "sécond 🔑"
  })
  custom_metadata {
    max_versions = local.first ? 3 : 4
    data         = local.first ? { team = "shop" } : { team = "shop", tier = "one" }
  }
  depends_on = [vault_kv_secret_backend_v2.kv]
}

resource "vault_kv_secret_v2" "written" {
  mount                = vault_mount.kv.path
  name                 = "written"
  data_json_wo         = jsonencode({ step = var.step, nested = { a = [1, true, null] } })
  data_json_wo_version = var.step
  delete_all_versions  = true
  depends_on           = [vault_kv_secret_backend_v2.kv]
}

resource "vault_mount" "kv1" {
  path    = "tf/kv1"
  type    = "kv"
  options = { version = "1" }
}

resource "vault_kv_secret" "old" {
  path      = "${vault_mount.kv1.path}/old"
  data_json = jsonencode({ step = tostring(var.step) })
}

resource "vault_generic_secret" "any" {
  path      = "${vault_mount.kv1.path}/any"
  data_json = jsonencode({ step = tostring(var.step) })
}

resource "vault_mount" "transit" {
  path = "tf/transit"
  type = "transit"
}

resource "vault_transit_secret_backend_key" "aes" {
  backend                = vault_mount.transit.path
  name                   = "aes"
  deletion_allowed       = true
  auto_rotate_period     = local.first ? 0 : 86400
  min_encryption_version = 0
}

resource "vault_transit_secret_backend_key" "rsa" {
  backend          = vault_mount.transit.path
  name             = "rsa"
  type             = "rsa-2048"
  deletion_allowed = true
}

resource "vault_transit_secret_cache_config" "cache" {
  backend = vault_mount.transit.path
  size    = 500
}

data "vault_transit_encrypt" "text" {
  backend   = vault_mount.transit.path
  key       = vault_transit_secret_backend_key.aes.name
  plaintext = "hello"
}

data "vault_transit_decrypt" "text" {
  backend    = vault_mount.transit.path
  key        = vault_transit_secret_backend_key.aes.name
  ciphertext = data.vault_transit_encrypt.text.ciphertext
  lifecycle {
    postcondition {
      condition     = self.plaintext == "hello"
      error_message = "another text is decrypted than was encrypted"
    }
  }
}

data "vault_transit_sign" "text" {
  path  = vault_mount.transit.path
  name  = vault_transit_secret_backend_key.rsa.name
  input = base64encode("hello")
}

data "vault_transit_verify" "text" {
  path      = vault_mount.transit.path
  name      = vault_transit_secret_backend_key.rsa.name
  input     = base64encode("hello")
  signature = data.vault_transit_sign.text.signature
  lifecycle {
    postcondition {
      condition     = self.valid
      error_message = "the signature does not hold"
    }
  }
}

data "vault_kv_secret_v2" "db" {
  mount      = vault_mount.kv.path
  name       = vault_kv_secret_v2.db.name
  depends_on = [vault_kv_secret_v2.db]
  lifecycle {
    postcondition {
      condition     = jsondecode(self.data_json).password == (local.first ? "first" : "sécond 🔑")
      error_message = "another value is read than was written"
    }
  }
}

data "vault_kv_secrets_list_v2" "all" {
  mount      = vault_mount.kv.path
  depends_on = [vault_kv_secret_v2.db, vault_kv_secret_v2.written]
  lifecycle {
    postcondition {
      condition     = toset(self.names) == toset(["prod/", "written"])
      error_message = "the list is another one"
    }
  }
}

data "vault_kv_secret_subkeys_v2" "db" {
  mount      = vault_mount.kv.path
  name       = vault_kv_secret_v2.db.name
  depends_on = [vault_kv_secret_v2.db]
}

data "vault_kv_secret" "old" {
  path       = vault_kv_secret.old.path
  depends_on = [vault_kv_secret.old]
}

data "vault_generic_secret" "any" {
  path       = vault_generic_secret.any.path
  depends_on = [vault_generic_secret.any]
}

ephemeral "vault_kv_secret_v2" "db" {
  mount    = vault_mount.kv.path
  mount_id = vault_mount.kv.id
  name     = vault_kv_secret_v2.db.name
}

# No database is asked: the connection is kept as it is.
resource "vault_mount" "database" {
  path = "tf/database"
  type = "database"
}

resource "vault_database_secret_backend_connection" "postgresql" {
  backend           = vault_mount.database.path
  name              = "main"
  allowed_roles     = local.first ? ["app"] : ["app", "other"]
  verify_connection = false
  postgresql {
    connection_url = "postgresql://{{username}}:{{password}}@127.0.0.1:9/postgres"
    username       = "root"
    password       = "secret"
  }
}

resource "vault_database_secret_backend_role" "app" {
  backend             = vault_mount.database.path
  name                = "app"
  db_name             = vault_database_secret_backend_connection.postgresql.name
  creation_statements = ["CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';"]
  default_ttl         = local.first ? 600 : 1200
  max_ttl             = 3600
}

resource "vault_ssh_secret_backend_ca" "ca" {
  backend              = vault_mount.ssh.path
  generate_signing_key = true
}

resource "vault_mount" "ssh" {
  path = "tf/ssh"
  type = "ssh"
}

resource "vault_ssh_secret_backend_role" "app" {
  backend                 = vault_mount.ssh.path
  name                    = "app"
  key_type                = "ca"
  allow_user_certificates = true
  allowed_users           = "app"
  default_extensions      = { permit-pty = "" }
  ttl                     = local.first ? "3600" : "7200"
}

resource "vault_password_policy" "long" {
  name   = "tf-long"
  policy = "length = ${local.first ? 20 : 24}\nrule \"charset\" {\n  charset = \"abcdefghijklmnopqrstuvwxyz\"\n  min-chars = 1\n}\n"
}

resource "vault_quota_rate_limit" "kv" {
  name = "tf-kv"
  path = "${vault_mount.kv.path}/"
  rate = local.first ? 1000 : 2000
}

resource "vault_audit_request_header" "trace" {
  name = "X-Trace"
  hmac = !local.first
}

resource "vault_namespace" "team" {
  path            = "tf-team"
  custom_metadata = local.first ? { owner = "ann" } : { owner = "bob" }
}

resource "vault_mount" "inside" {
  namespace = vault_namespace.team.path_fq
  path      = "kv"
  type      = "kv"
  options   = { version = "2" }
}

resource "vault_kv_secret_v2" "inside" {
  namespace           = vault_namespace.team.path_fq
  mount               = vault_mount.inside.path
  name                = "app"
  delete_all_versions = true
  data_json           = jsonencode({ step = tostring(var.step) })
}

data "vault_namespaces" "all" {
  depends_on = [vault_namespace.team]
  lifecycle {
    postcondition {
      condition     = contains(self.paths, "tf-team")
      error_message = "the namespace is not listed"
    }
  }
}

output "imports" {
  value = {
    "vault_mount.kv"                         = vault_mount.kv.path
    "vault_kv_secret_v2.db"                  = "${vault_mount.kv.path}/data/prod/db"
    "vault_kv_secret_backend_v2.kv"          = "${vault_mount.kv.path}/config"
    "vault_kv_secret.old"                    = vault_kv_secret.old.path
    "vault_transit_secret_backend_key.aes"   = "${vault_mount.transit.path}/keys/aes"
    "vault_database_secret_backend_role.app" = "${vault_mount.database.path}/roles/app"
    "vault_ssh_secret_backend_role.app"      = "${vault_mount.ssh.path}/roles/app"
    "vault_password_policy.long"             = vault_password_policy.long.name
    "vault_quota_rate_limit.kv"              = vault_quota_rate_limit.kv.name
    "vault_namespace.team"                   = vault_namespace.team.path
    "vault_policy.app"                       = vault_policy.app.name
    "vault_auth_backend.approle"             = vault_auth_backend.approle.path
    "vault_approle_auth_backend_role.app"    = "auth/${vault_auth_backend.approle.path}/role/app"
    "vault_jwt_auth_backend.jwt"             = vault_jwt_auth_backend.jwt.path
    "vault_jwt_auth_backend_role.app"        = "auth/${vault_jwt_auth_backend.jwt.path}/role/app"
    "vault_pki_secret_backend_role.web"      = "${vault_mount.pki.path}/roles/web"
    "vault_identity_entity.app"              = vault_identity_entity.app.id
    "vault_identity_group.apps"              = vault_identity_group.apps.id
    "vault_identity_entity_alias.app"        = vault_identity_entity_alias.app.id
    "vault_token_auth_backend_role.job"      = "auth/token/roles/${vault_token_auth_backend_role.job.role_name}"
  }
}
