variable "name" {
  description = "Name of everything that is made: <service>-<stage> of serverless.yml, so that both ways of deploying find the same things."
  type        = string
  default     = "gl-scaler-prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,47}$", var.name))
    error_message = "Small letters, digits and hyphens, 3 to 48 of them, a letter first."
  }
}

variable "project" {
  description = "Name of the project that the functions and the workers live in, such as eu-de or eu-de_ci."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket (bucket.name of scaler.yml). The functions may read and write this one and no other."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "Small letters, digits and hyphens, 3 to 63 of them."
  }
}

variable "create_bucket" {
  description = "False when the bucket exists already. Its lifecycle rules are then yours: docs/deploy.md has them."
  type        = bool
  default     = true
}

variable "log_days" {
  description = "How long the functions' logs are kept; 0 makes no log group."
  type        = number
  default     = 14

  validation {
    condition     = var.log_days >= 0 && var.log_days <= 365
    error_message = "0 to 365 days."
  }
}

variable "functions" {
  description = "Functions that get a log stream each: the keys of serverless.yml."
  type        = set(string)
  default     = ["webhook", "scaler", "reaper"]
}

variable "gateway_id" {
  description = "Dedicated gateway that exists already; an API group is made in it. Null: none, or the one that `gateway` makes."
  type        = string
  default     = null
}

variable "gateway" {
  description = "A dedicated gateway of its own, which costs by the hour from the moment it is there. Bandwidths in Mbit/s; its subnet must not be the workers'."
  type = object({
    spec              = optional(string, "BASIC")
    vpc_id            = string
    subnet_id         = string
    zones             = list(string)
    ingress_bandwidth = optional(number, 5)
    allow_from        = optional(list(string), ["0.0.0.0/0"])
  })
  default = null
}

variable "domain" {
  description = "Domain name of the hook's URL, such as hooks.example.com; its DNS record is yours. Null: the group's own sub-domain, which is for tests."
  type        = string
  default     = null
}

variable "certificate" {
  description = "Certificate of the domain, PEM. The private key lands in Terraform's state: keep that where it belongs. Null: bind it in the console."
  type = object({
    name        = string
    content     = string
    private_key = string
  })
  default   = null
  sensitive = true
}

variable "network" {
  description = "VPC, subnet and security group for the workers. Without a NAT gateway workers need public_ip in scaler.yml. Null: yours exist."
  type = object({
    vpc_cidr   = optional(string, "10.20.0.0/16")
    cidr       = optional(string, "10.20.1.0/24")
    gateway_ip = optional(string, "10.20.1.1")
  })
  default = null
}

variable "tags" {
  description = "For what can have tags."
  type        = map(string)
  default     = {}
}
