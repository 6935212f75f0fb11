# Two levels of a certificate authority.
resource "vault_mount" "pki" {
  path                  = "tf/pki"
  type                  = "pki"
  max_lease_ttl_seconds = 315360000
}

resource "vault_pki_secret_backend_root_cert" "root" {
  backend     = vault_mount.pki.path
  type        = "internal"
  common_name = "Example Root"
  key_type    = "ec"
  key_bits    = 256
  ttl         = "87600h"
  issuer_name = "root"
}

resource "vault_pki_secret_backend_config_urls" "urls" {
  backend                 = vault_mount.pki.path
  issuing_certificates    = ["https://pki.example.com/ca"]
  crl_distribution_points = local.first ? [] : ["https://pki.example.com/crl"]
}

resource "vault_pki_secret_backend_crl_config" "crl" {
  backend = vault_mount.pki.path
  expiry  = local.first ? "72h" : "48h"
}

resource "vault_mount" "issuing" {
  path                  = "tf/issuing"
  type                  = "pki"
  max_lease_ttl_seconds = 157680000
}

resource "vault_pki_secret_backend_intermediate_cert_request" "issuing" {
  backend     = vault_mount.issuing.path
  type        = "internal"
  common_name = "Example Issuing"
  key_type    = "rsa"
  key_bits    = 2048
}

resource "vault_pki_secret_backend_root_sign_intermediate" "issuing" {
  backend     = vault_mount.pki.path
  csr         = vault_pki_secret_backend_intermediate_cert_request.issuing.csr
  common_name = "Example Issuing"
  ttl         = "43800h"
  issuer_ref  = vault_pki_secret_backend_root_cert.root.issuer_id
}

resource "vault_pki_secret_backend_intermediate_set_signed" "issuing" {
  backend     = vault_mount.issuing.path
  certificate = vault_pki_secret_backend_root_sign_intermediate.issuing.certificate
}

resource "vault_pki_secret_backend_issuer" "issuing" {
  backend     = vault_mount.issuing.path
  issuer_ref  = vault_pki_secret_backend_intermediate_set_signed.issuing.imported_issuers[0]
  issuer_name = local.first ? "issuing" : "issuing-2"
}

resource "vault_pki_secret_backend_config_issuers" "issuing" {
  backend = vault_mount.issuing.path
  default = vault_pki_secret_backend_issuer.issuing.issuer_id
}

resource "vault_pki_secret_backend_role" "web" {
  backend          = vault_mount.pki.path
  name             = "web"
  allowed_domains  = ["example.com"]
  allow_subdomains = true
  key_type         = "ec"
  key_bits         = 256
  max_ttl          = local.first ? "2592000" : "5184000"
  issuer_ref       = vault_pki_secret_backend_root_cert.root.issuer_id
}

resource "vault_pki_secret_backend_cert" "www" {
  backend     = vault_mount.pki.path
  name        = vault_pki_secret_backend_role.web.name
  common_name = "www.example.com"
  ttl         = "240h"
  revoke      = true
}

data "vault_pki_secret_backend_issuers" "root" {
  backend    = vault_mount.pki.path
  depends_on = [vault_pki_secret_backend_root_cert.root]
}

data "vault_pki_secret_backend_issuer" "root" {
  backend    = vault_mount.pki.path
  issuer_ref = vault_pki_secret_backend_root_cert.root.issuer_id
}
