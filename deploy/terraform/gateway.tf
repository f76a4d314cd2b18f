# The API itself is made and published by the webhook's trigger (`osls deploy`), in this group.

locals {
  gateway_id  = var.gateway == null ? var.gateway_id : opentelekomcloud_apigw_gateway_v2.hooks[0].id
  has_gateway = var.gateway != null || var.gateway_id != null
  has_domain  = local.has_gateway && var.domain != null
  # Whether there is a certificate is no secret.
  has_certificate = local.has_domain && nonsensitive(var.certificate != null)
}

resource "opentelekomcloud_networking_secgroup_v2" "gateway" {
  count = var.gateway == null ? 0 : 1

  name                 = "${var.name}-gateway"
  description          = "Who may send hooks to the gateway of ${var.name}"
  delete_default_rules = true
}

resource "opentelekomcloud_networking_secgroup_rule_v2" "gateway_https" {
  for_each = toset(var.gateway == null ? [] : var.gateway.allow_from)

  security_group_id = opentelekomcloud_networking_secgroup_v2.gateway[0].id
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = 443
  port_range_max    = 443
  remote_ip_prefix  = each.value
}

resource "opentelekomcloud_networking_secgroup_rule_v2" "gateway_out" {
  count = var.gateway == null ? 0 : 1

  security_group_id = opentelekomcloud_networking_secgroup_v2.gateway[0].id
  direction         = "egress"
  ethertype         = "IPv4"
}

resource "opentelekomcloud_apigw_gateway_v2" "hooks" {
  count = var.gateway == null ? 0 : 1

  name                            = var.name
  description                     = "Receives the hooks of ${var.name}"
  spec_id                         = var.gateway.spec
  vpc_id                          = var.gateway.vpc_id
  subnet_id                       = var.gateway.subnet_id
  security_group_id               = opentelekomcloud_networking_secgroup_v2.gateway[0].id
  availability_zones              = var.gateway.zones
  loadbalancer_provider           = "elb"
  ingress_bandwidth_size          = tostring(var.gateway.ingress_bandwidth)
  ingress_bandwidth_charging_mode = "traffic"

  lifecycle {
    # The service's answer lacks them.
    ignore_changes = [ingress_bandwidth_size, ingress_bandwidth_charging_mode]
  }
}

resource "opentelekomcloud_apigw_group_v2" "hooks" {
  count = local.has_gateway ? 1 : 0

  instance_id = local.gateway_id
  name        = var.name
  description = "Hooks of GitLab to ${var.name}"
}

resource "opentelekomcloud_apigw_domain_v2" "hooks" {
  count = local.has_domain ? 1 : 0

  gateway_id      = local.gateway_id
  group_id        = opentelekomcloud_apigw_group_v2.hooks[0].id
  name            = var.domain
  min_ssl_version = "TLSv1.2"

  lifecycle {
    # The service's answer lacks them.
    ignore_changes = [name, http_redirect_to_https]
  }
}

resource "opentelekomcloud_apigw_certificate_v2" "hooks" {
  count = local.has_certificate ? 1 : 0

  name        = var.certificate.name
  content     = var.certificate.content
  private_key = var.certificate.private_key
  type        = "instance"
  instance_id = local.gateway_id
}

resource "opentelekomcloud_apigw_domain_certificate_associate_v2" "hooks" {
  count = local.has_certificate ? 1 : 0

  gateway_id     = local.gateway_id
  group_id       = opentelekomcloud_apigw_group_v2.hooks[0].id
  domain_id      = opentelekomcloud_apigw_domain_v2.hooks[0].id
  certificate_id = opentelekomcloud_apigw_certificate_v2.hooks[0].id
}
