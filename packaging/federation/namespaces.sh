#!/bin/sh
# Two datacenters on one machine: network namespaces dc1 and dc2, both with the private address 10.0.0.1, joined by
# nothing but the outer network 203.0.113.0/24, in which dc1 is .1 and dc2 is .2.
#
#   namespaces.sh up|down
set -eu

up() {
  for dc in dc1 dc2; do
    ip netns add "$dc"
    ip -n "$dc" link set lo up
    ip -n "$dc" address add 10.0.0.1/24 dev lo
  done
  ip -n dc1 link add outside type veth peer name outside netns dc2
  ip -n dc1 address add 203.0.113.1/24 dev outside
  ip -n dc2 address add 203.0.113.2/24 dev outside
  ip -n dc1 link set outside up
  ip -n dc2 link set outside up
}

down() {
  for dc in dc1 dc2; do
    ip netns delete "$dc" 2>/dev/null || true
  done
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  *) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
