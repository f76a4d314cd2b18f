# What the functions may do: the same two files that `osls deploy` uses, compared by tests with the calls of the code (docs/rights.md).

locals {
  policies = {
    project = jsondecode(file("${path.module}/../policies/project.json"))
    account = jsondecode(templatefile("${path.module}/../policies/account.json", { bucket = var.bucket }))
  }
}

resource "opentelekomcloud_identity_role_v3" "project" {
  display_name  = "${var.name}-project"
  display_layer = "project"
  description   = "What the functions of ${var.name} may do in their project"

  dynamic "statement" {
    for_each = local.policies.project.Statement
    content {
      effect = statement.value.Effect
      action = statement.value.Action
    }
  }
}

resource "opentelekomcloud_identity_role_v3" "account" {
  display_name  = "${var.name}-account"
  display_layer = "domain"
  description   = "What the functions of ${var.name} may do with their bucket"

  dynamic "statement" {
    for_each = local.policies.account.Statement
    content {
      effect   = statement.value.Effect
      action   = statement.value.Action
      resource = statement.value.Resource
    }
  }
}

# The provider that makes this must not have `tenant_name`.
resource "opentelekomcloud_identity_agency_v3" "functions" {
  name                  = var.name
  description           = "FunctionGraph acts as this for the functions of ${var.name}"
  delegated_domain_name = "op_svc_cff"

  project_role {
    project = var.project
    roles   = [opentelekomcloud_identity_role_v3.project.display_name]
  }

  domain_roles = [opentelekomcloud_identity_role_v3.account.display_name]
}
