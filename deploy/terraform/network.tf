resource "opentelekomcloud_vpc_v1" "workers" {
  count = var.network == null ? 0 : 1

  name = "${var.name}-workers"
  cidr = var.network.vpc_cidr
  tags = var.tags
}

resource "opentelekomcloud_vpc_subnet_v1" "workers" {
  count = var.network == null ? 0 : 1

  name       = "${var.name}-workers"
  vpc_id     = opentelekomcloud_vpc_v1.workers[0].id
  cidr       = var.network.cidr
  gateway_ip = var.network.gateway_ip
  tags       = var.tags
}

# A worker needs no port from outside, not even from other workers: a job of one cannot reach another.
resource "opentelekomcloud_networking_secgroup_v2" "workers" {
  count = var.network == null ? 0 : 1

  name                 = "${var.name}-workers"
  description          = "Workers of ${var.name}: nothing in, everything out"
  delete_default_rules = true
}

resource "opentelekomcloud_networking_secgroup_rule_v2" "workers_out" {
  count = var.network == null ? 0 : 1

  security_group_id = opentelekomcloud_networking_secgroup_v2.workers[0].id
  direction         = "egress"
  ethertype         = "IPv4"
}
