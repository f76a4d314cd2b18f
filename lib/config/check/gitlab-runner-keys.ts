/*
 * Names of gitlab-runner's own keys, as its code has them: common/config.go (DockerConfig, Service) and helpers/docker/credentials.go. Between
 * v17.1.0 and 19.4.0 keys were only added. To renew: list the `toml:"…"` tags of these structures.
 */

/** What the lists were read from, for messages. */
export const RUNNER_VERSIONS = '17.1 to 19.4';

/** Of `[runners.docker]`. */
export const DOCKER_KEYS: readonly string[] = (
  'allowed_images allowed_privileged_images allowed_privileged_services allowed_pull_policies allowed_services allowed_users ' +
  'cache_dir cap_add cap_drop cgroup_parent container_labels cpu_shares cpus cpuset_cpus cpuset_mems device_cgroup_rules devices ' +
  'disable_cache disable_entrypoint_overwrite dns dns_search enable_ipv6 extra_hosts gpus group_add helper_image helper_image_flavor ' +
  'host hostname image ipcmode isolation links log_options mac_address memory memory_reservation memory_swap network_mode network_mtu ' +
  'oom_kill_disable oom_score_adjust pid_mode privileged pull_policy runtime security_opt service_cgroup_parent service_cpu_shares ' +
  'service_cpus service_cpuset_cpus service_gpus service_memory service_memory_reservation service_memory_swap ' +
  'service_slot_cgroup_template services services_devices services_limit services_privileged services_security_opt services_tmpfs ' +
  'shm_size sysctls tls_cert_path tls_verify tmpfs ulimit user userns_mode volume_driver volume_driver_ops volume_keep volumes ' +
  'volumes_from wait_for_services_timeout'
).split(' ');

/** Of `[[runners.docker.services]]`. */
export const SERVICE_KEYS: readonly string[] = ['name', 'alias', 'command', 'entrypoint', 'environment', 'suspend_data_path'];
