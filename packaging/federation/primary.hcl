# The first server of a primary datacenter, and its mesh gateway: "Datacenters joined through mesh gateways" in README.md.
datacenter         = "dc1"
primary_datacenter = "dc1"
node_name          = "a1"
server             = true
bootstrap_expect   = 1
bind_addr          = "10.0.0.1"
data_dir           = "dc1/data"
encrypt            = "Rm9yIHRoZSBleGFtcGxlIG9ubHk6IG1ha2Ugb25lLi4="  # of your own: proconsul keygen

acl {
  enabled                  = true
  default_policy           = "deny"
  enable_token_replication = true
  tokens {
    initial_management = "00000000-0000-0000-0000-00000000000a"  # of your own: uuidgen
    agent              = "00000000-0000-0000-0000-00000000000a"
  }
}

connect {
  enabled                            = true
  enable_mesh_gateway_wan_federation = true
}

tls {
  internal_rpc {
    ca_file                = "consul-agent-ca.pem"
    cert_file              = "dc1-server-consul-0.pem"
    key_file               = "dc1-server-consul-0-key.pem"
    verify_incoming        = true
    verify_outgoing        = true
    verify_server_hostname = true
  }
}

mesh_gateway {
  enabled     = true
  address     = "10.0.0.1:8443"     # for servers of this datacenter
  wan_address = "203.0.113.1:8443"  # for other datacenters: the one port that they must reach
}
