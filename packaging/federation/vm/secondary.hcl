# Each server of a secondary datacenter: all that it knows of the primary is the address of a gateway there.
datacenter         = "dc2"
primary_datacenter = "dc1"
primary_gateways   = ["gateway.dc1.example.com:8443"]
server             = true
bootstrap_expect   = 3
bind_addr          = "{{ GetPrivateIP }}"
retry_join         = ["10.1.0.11", "10.1.0.12", "10.1.0.13"] # the same addresses as in dc1: they need not differ
data_dir           = "/var/lib/proconsul"
encrypt            = "Rm9yIHRoZSBleGFtcGxlIG9ubHk6IG1ha2Ugb25lLi4=" # the WAN pool has one key

acl {
  enabled                  = true
  default_policy           = "deny"
  enable_token_replication = true
  tokens {
    replication = "00000000-0000-0000-0000-00000000000b" # made in dc1: acl write, operator write, services and intentions read
  }
}

connect {
  enabled                            = true
  enable_mesh_gateway_wan_federation = true
}

tls {
  internal_rpc {
    ca_file                = "/etc/proconsul.d/ca.pem"
    cert_file              = "/etc/proconsul.d/server.pem" # for server.dc2.consul and NODE.server.dc2.consul
    key_file               = "/etc/proconsul.d/server-key.pem"
    verify_incoming        = true
    verify_outgoing        = true
    verify_server_hostname = true
  }
}
