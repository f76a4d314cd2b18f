resource "opentelekomcloud_lts_group_v2" "functions" {
  count = var.log_days > 0 ? 1 : 0

  group_name  = var.name
  ttl_in_days = var.log_days
  tags        = var.tags
}

resource "opentelekomcloud_lts_stream_v2" "function" {
  for_each = toset(var.log_days > 0 ? var.functions : [])

  group_id    = opentelekomcloud_lts_group_v2.functions[0].id
  stream_name = "${var.name}-${each.key}"
}
