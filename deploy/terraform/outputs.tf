output "agency" {
  description = "serverless.yml: provider.agency.name"
  value       = opentelekomcloud_identity_agency_v3.functions.name
}

output "bucket" {
  description = "scaler.yml: bucket.name"
  value       = var.bucket
}

output "log_group_id" {
  description = "serverless.yml: provider.logs.groupId"
  value       = one(opentelekomcloud_lts_group_v2.functions[*].id)
}

output "log_stream_ids" {
  description = "Log stream of each function"
  value       = { for name, stream in opentelekomcloud_lts_stream_v2.function : name => stream.id }
}

output "gateway_id" {
  description = "serverless.yml: provider.gateway.id"
  value       = local.gateway_id
}

output "api_group_id" {
  description = "serverless.yml: provider.gateway.group.id"
  value       = one(opentelekomcloud_apigw_group_v2.hooks[*].id)
}

output "vpc_id" {
  description = "scaler.yml: machine.vpc_id"
  value       = one(opentelekomcloud_vpc_v1.workers[*].id)
}

output "subnet_id" {
  description = "scaler.yml: machine.subnet_id"
  value       = one(opentelekomcloud_vpc_subnet_v1.workers[*].id)
}

output "security_group_id" {
  description = "scaler.yml: machine.security_groups"
  value       = one(opentelekomcloud_networking_secgroup_v2.workers[*].id)
}
