# Each server of the primary datacenter. Its gateway runs elsewhere: gateway.hcl.
datacenter         = "dc1"
primary_datacenter = "dc1"
server             = true
bootstrap_expect   = 3
bind_addr          = "{{ GetPrivateIP }}"
retry_join         = ["10.1.0.11", "10.1.0.12", "10.1.0.13"]
data_dir           = "/var/lib/proconsul"
encrypt            = "Rm9yIHRoZSBleGFtcGxlIG9ubHk6IG1ha2Ugb25lLi4="

acl {
  enabled                  = true
  default_policy           = "deny"
  enable_token_replication = true
}

connect {
  enabled                            = true
  enable_mesh_gateway_wan_federation = true
}

tls {
  internal_rpc {
    ca_file                = "/etc/proconsul.d/ca.pem"
    cert_file              = "/etc/proconsul.d/server.pem" # for server.dc1.consul and NODE.server.dc1.consul
    key_file               = "/etc/proconsul.d/server-key.pem"
    verify_incoming        = true
    verify_outgoing        = true
    verify_server_hostname = true
  }
}
