# Secrets of Google Secret Manager, global and in a region.
terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "7.45.0"
    }
  }
}

variable "step" { type = number }
variable "endpoint" { type = string }
variable "project" { type = string }
variable "member" { type = string }

provider "google" {
  project                                 = var.project
  secret_manager_custom_endpoint          = "https://${var.endpoint}/v1/"
  secret_manager_regional_custom_endpoint = "https://${var.endpoint}/v1/"
}

locals {
  first = var.step == 1
  value = local.first ? "first: sécond 🔑" : "{\"user\":\"a\",\"password\":\"b\"}"
}

resource "google_secret_manager_secret" "db" {
  secret_id           = "db"
  labels              = local.first ? { team = "shop" } : { team = "shop", tier = "one" }
  annotations         = local.first ? { Owner = "ann@example.com" } : {}
  version_destroy_ttl = local.first ? null : "86400s"
  deletion_protection = false
  version_aliases     = local.first ? {} : { live = "1" }
  topics {
    name = "projects/${var.project}/topics/changes"
  }
  dynamic "rotation" {
    for_each = local.first ? [1] : []
    content {
      next_rotation_time = "2037-01-01T00:00:00Z"
      rotation_period    = "2592000s"
    }
  }
  replication {
    auto {}
  }
}

resource "google_secret_manager_secret" "placed" {
  secret_id           = "placed"
  expire_time         = local.first ? "2038-01-01T00:00:00Z" : "2039-01-01T00:00:00Z"
  deletion_protection = false
  replication {
    user_managed {
      replicas { location = "europe-west1" }
      replicas { location = "us-east1" }
    }
  }
}

resource "google_secret_manager_secret_version" "db" {
  secret          = google_secret_manager_secret.db.id
  secret_data     = local.value
  deletion_policy = "DELETE"
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_version" "binary" {
  secret                = google_secret_manager_secret.placed.id
  secret_data           = base64encode("binary")
  is_secret_data_base64 = true
  enabled               = !local.first
}

resource "google_secret_manager_secret_version" "written" {
  secret                 = google_secret_manager_secret.placed.id
  secret_data_wo         = "only written ${var.step}"
  secret_data_wo_version = var.step
  depends_on             = [google_secret_manager_secret_version.binary]
}

resource "google_secret_manager_secret_iam_member" "reader" {
  secret_id = google_secret_manager_secret.db.id
  role      = "roles/secretmanager.secretAccessor"
  member    = var.member
}

resource "google_secret_manager_secret_iam_binding" "viewers" {
  secret_id = google_secret_manager_secret.placed.id
  role      = "roles/secretmanager.viewer"
  members   = [var.member]
}

resource "google_secret_manager_regional_secret" "near" {
  secret_id           = "near"
  location            = "europe-west3"
  labels              = { step = tostring(var.step) }
  deletion_protection = false
}

resource "google_secret_manager_regional_secret_version" "near" {
  secret      = google_secret_manager_regional_secret.near.id
  secret_data = "near ${var.step}"
  lifecycle {
    create_before_destroy = true
  }
}

data "google_secret_manager_secret" "db" {
  secret_id  = google_secret_manager_secret.db.secret_id
  depends_on = [google_secret_manager_secret_version.db]
}

data "google_secret_manager_secret_version" "db" {
  secret     = google_secret_manager_secret.db.id
  depends_on = [google_secret_manager_secret_version.db]
  lifecycle {
    postcondition {
      condition     = self.secret_data == local.value && self.enabled
      error_message = "another value is read than was written"
    }
  }
}

data "google_secret_manager_secret_version_access" "db" {
  secret     = google_secret_manager_secret.db.secret_id
  depends_on = [google_secret_manager_secret_version.db]
  lifecycle {
    postcondition {
      condition     = self.secret_data == local.value
      error_message = "another value is read than was written"
    }
  }
}

data "google_secret_manager_secrets" "shop" {
  filter     = "labels.team=shop"
  depends_on = [google_secret_manager_secret.db, google_secret_manager_secret.placed]
  lifecycle {
    postcondition {
      condition     = [for one in self.secrets : one.secret_id] == ["db"]
      error_message = "the filter finds something else"
    }
  }
}

data "google_secret_manager_secret_iam_policy" "db" {
  secret_id  = google_secret_manager_secret.db.id
  depends_on = [google_secret_manager_secret_iam_member.reader]
  lifecycle {
    postcondition {
      condition     = strcontains(self.policy_data, var.member)
      error_message = "the grant is not there"
    }
  }
}

data "google_secret_manager_regional_secret_version_access" "near" {
  secret     = google_secret_manager_regional_secret.near.secret_id
  location   = "europe-west3"
  depends_on = [google_secret_manager_regional_secret_version.near]
  lifecycle {
    postcondition {
      condition     = self.secret_data == "near ${var.step}"
      error_message = "another value is read than was written"
    }
  }
}

ephemeral "google_secret_manager_secret_version" "db" {
  secret  = google_secret_manager_secret_version.db.secret
  version = google_secret_manager_secret_version.db.version
}

output "imports" {
  value = {
    "google_secret_manager_secret.db"                    = google_secret_manager_secret.db.id
    "google_secret_manager_secret.placed"                = google_secret_manager_secret.placed.id
    "google_secret_manager_secret_version.db"            = google_secret_manager_secret_version.db.name
    "google_secret_manager_secret_iam_member.reader"     = "${google_secret_manager_secret.db.id} roles/secretmanager.secretAccessor ${var.member}"
    "google_secret_manager_secret_iam_binding.viewers"   = "${google_secret_manager_secret.placed.id} roles/secretmanager.viewer"
    "google_secret_manager_regional_secret.near"         = google_secret_manager_regional_secret.near.id
    "google_secret_manager_regional_secret_version.near" = google_secret_manager_regional_secret_version.near.name
  }
}
