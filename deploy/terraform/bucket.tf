# Not versioned, because appending to versioned objects is undefined; no encryption by default, for the same reason.
# Prefixes without a slash at their end: the provider's documentation wants them so, and nothing else begins with them.

resource "opentelekomcloud_obs_bucket" "records" {
  count = var.create_bucket ? 1 : 0

  bucket        = var.bucket
  acl           = "private"
  storage_class = "STANDARD"
  tags          = var.tags

  # A worker's runner token until its first contact.
  lifecycle_rule {
    name    = "handoff"
    prefix  = "handoff"
    enabled = true

    expiration {
      days = 1
    }
  }

  lifecycle_rule {
    name    = "turnstile"
    prefix  = "state/v1/turnstile"
    enabled = true

    expiration {
      days = 14
    }
  }

  lifecycle_rule {
    name    = "raw-counts"
    prefix  = "counts/v1/raw"
    enabled = true

    expiration {
      days = 7
    }
  }

  lifecycle {
    # Counts and ledger are in it.
    prevent_destroy = true
  }
}
