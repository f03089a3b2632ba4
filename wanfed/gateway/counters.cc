#include "wanfed/gateway/counters.h"

namespace proconsul::wanfed::gateway {

std::string_view label(Refusal refusal) {
  switch (refusal) {
    case Refusal::closed_before_hello:
      return "closed_before_hello";
    case Refusal::not_tls:
      return "not_tls";
    case Refusal::sslv2:
      return "sslv2";
    case Refusal::not_client_hello:
      return "not_client_hello";
    case Refusal::malformed_hello:
      return "malformed_hello";
    case Refusal::hello_too_large:
      return "hello_too_large";
    case Refusal::no_server_name:
      return "no_server_name";
    case Refusal::hello_timeout:
      return "hello_timeout";
    case Refusal::unknown_name:
      return "unknown_name";
    case Refusal::no_endpoints:
      return "no_endpoints";
    case Refusal::connect_failed:
      return "connect_failed";
    case Refusal::leads_back:
      return "leads_back";
    case Refusal::no_answer:
      return "no_answer";
    case Refusal::idle:
      return "idle";
    case Refusal::drained:
      return "drained";
    case Refusal::too_many_connections:
      return "too_many_connections";
    case Refusal::too_many_from_source:
      return "too_many_from_source";
    case Refusal::too_many_opening:
      return "too_many_opening";
  }
  return "unknown";
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::closed_before_hello:
      return "closed before it said anything";
    case Refusal::not_tls:
      return "it does not speak TLS";
    case Refusal::sslv2:
      return "it speaks SSL 2";
    case Refusal::not_client_hello:
      return "it does not begin with a ClientHello";
    case Refusal::malformed_hello:
      return "its ClientHello is malformed";
    case Refusal::hello_too_large:
      return "its ClientHello is too large";
    case Refusal::no_server_name:
      return "its ClientHello has no server name";
    case Refusal::hello_timeout:
      return "it did not finish its ClientHello in time";
    case Refusal::unknown_name:
      return "no route for this server name";
    case Refusal::no_endpoints:
      return "nobody healthy behind this server name";
    case Refusal::connect_failed:
      return "no endpoint of this server name takes connections";
    case Refusal::leads_back:
      return "the endpoints of this server name are this gateway itself";
    case Refusal::no_answer:
      return "the endpoint did not answer the ClientHello in time";
    case Refusal::idle:
      return "nothing was sent for too long";
    case Refusal::drained:
      return "it was still open when its time to drain was over";
    case Refusal::too_many_connections:
      return "the limit of connections is reached";
    case Refusal::too_many_from_source:
      return "the limit of connections from one address is reached";
    case Refusal::too_many_opening:
      return "too many connections wait for a ClientHello, and it was the oldest";
  }
  return "unknown";
}

}  // namespace proconsul::wanfed::gateway
