# A client agent with the mesh gateway of its datacenter: the only machine that others must reach, at one port.
datacenter         = "dc1"
bind_addr          = "{{ GetPrivateIP }}"
retry_join         = ["10.1.0.11", "10.1.0.12", "10.1.0.13"]
data_dir           = "/var/lib/proconsul"
encrypt            = "Rm9yIHRoZSBleGFtcGxlIG9ubHk6IG1ha2Ugb25lLi4="

mesh_gateway {
  enabled        = true
  address        = "{{ GetPrivateIP }}:8443"      # for servers of this datacenter
  wan_address    = "gateway.dc1.example.com:8443" # for other datacenters
  bind_addresses = { all = "0.0.0.0:8443" }
  token          = "00000000-0000-0000-0000-00000000000c" # service write of mesh-gateway; services and nodes read
}

acl {
  enabled = true
  tokens {
    agent = "00000000-0000-0000-0000-00000000000d"
  }
}

tls {
  internal_rpc {
    ca_file                = "/etc/proconsul.d/ca.pem"
    verify_outgoing        = true
    verify_server_hostname = true
  }
}
