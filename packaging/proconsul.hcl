# Read with every other *.hcl and *.json file in this folder, in the order of their names. Keys are Consul's.

# Where the agent keeps its state; its unit lets it write only there.
data_dir = "/var/lib/proconsul"

# A single server. More than one: the same bootstrap_expect on each, and retry_join with the others' addresses.
server           = true
bootstrap_expect = 1

# datacenter = "dc1"

# The address that other agents reach this one at; without it the only private one of this machine.
# bind_addr = "10.0.0.1"

# Where clients are served; without it on this machine alone.
# client_addr = "0.0.0.0"

# ui_config { enabled = true }

# telemetry {
#   prometheus_retention_time = "60s"
#   disable_hostname          = true
# }
