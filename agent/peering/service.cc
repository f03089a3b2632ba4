#include "agent/peering/service.h"

#include <utility>

#include "agent/grpc/local_call.h"
#include "agent/peering/establishment.h"
#include "agent/peering/token.h"
#include "agent/rpc/connect_ca_roots.h"
#include "base/clock.h"
#include "base/quote.h"
#include "base/random.h"
#include "base/uuid.h"
#include "catalog/commands.h"
#include "catalog/peering/codec.h"
#include "catalog/peering/peerings.h"
#include "catalog/query/peers.h"
#include "catalog/registry/same.h"

namespace proconsul::agent::peering {

using base::Error;
using base::Result;
using catalog::Command;
using catalog::Peering;
using grpc::Code;
using grpc::Load;
using grpc::Status;

namespace {

constexpr const char* kOff = "peering must be enabled to use this endpoint";
constexpr const char* kNoPartitions = "Partitions are a Consul Enterprise feature";
constexpr const char* kNoNamespaces = "Namespaces are a Consul Enterprise feature";

// No methods of RPC: the dispatcher answers them here.
constexpr rpc::Method kRead{
    "Peering.Read", rpc::kReads | rpc::kHere, nullptr, {acl::Resource::peering, acl::Access::read}};
constexpr rpc::Method kChange{"Peering.Write", rpc::kHere, nullptr, {acl::Resource::peering, acl::Access::write}};
constexpr rpc::Method kBundles{"Peering.TrustBundles", rpc::kReads | rpc::kHere, nullptr, {}};

std::unexpected<Status> fail(Code code, std::string why) {
  return std::unexpected(Status{code, std::move(why)});
}
std::unexpected<Status> fail(const Error& error) {
  return fail(Code::unknown, error.detail);
}

bool is_default(std::string_view name) {
  return name.empty() || name == "default";
}

template <class Request>
Result<Request> decoded(const std::string& message) {
  Request request;
  if (Result<> parsed = schema().parse(message, request); !parsed) return parsed.error();
  return request;
}

catalog::Timestamp now() {
  const base::Time time = base::system_clock().wall();
  return {.seconds = base::unix_seconds(time), .nanos = time.nanoseconds};
}

}  // namespace

void Service::call(std::string_view method, std::string request, CallOptions options, CallDone done) {
  if (!settings_.enabled) return done(fail(Code::failed_precondition, kOff));
  const auto with = [&]<class Request>(void (Service::*act)(const Request&, CallOptions, CallDone)) {
    Result<Request> given = decoded<Request>(request);
    if (!given) {
      return done(fail(Code::internal, "grpc: error unmarshalling request: " + given.error().detail));
    }
    (this->*act)(*given, std::move(options), std::move(done));
  };
  if (method == "GenerateToken") return with(&Service::generate_token);
  if (method == "Establish") return with(&Service::establish);
  if (method == "PeeringRead") return with(&Service::read);
  if (method == "PeeringList") return with(&Service::list);
  if (method == "PeeringDelete") return with(&Service::remove);
  if (method == "PeeringWrite") return with(&Service::write);
  if (method == "TrustBundleRead") return with(&Service::read_bundle);
  if (method == "TrustBundleListByService") return with(&Service::list_bundles);
  done(fail(Code::unimplemented, "unknown method " + std::string(method)));
}

void Service::query(std::string_view method, const std::string& request, const rpc::Method& row, May may,
                    CallOptions options, Evaluate evaluate, CallDone done) {
  const server::Leadership leadership = parts_.server.leadership();
  if (!leadership.is_leader) {
    return parts_.leader.call('/' + std::string(kPeeringService) + '/' + std::string(method), request,
                              fields_of(options), std::move(done));
  }
  // Who leads since a moment ago makes sure of it.
  options.consistent |= !leadership.current;
  auto local = std::make_shared<grpc::LocalCall>(options);
  local->evaluation = std::move(evaluate);
  local->may = std::move(may);
  rpc::ask(parts_.dispatcher, parts_.loops.next(), row, local,
           [local, done = std::move(done)](Result<> result) mutable {
             if (!result) return done(fail(result.error()));
             done(std::move(local->reply));
           });
}

void Service::change(std::string_view method, const std::string& request, CallOptions options, Run run, CallDone done) {
  if (!parts_.server.leadership().is_leader) {
    return parts_.leader.call('/' + std::string(kPeeringService) + '/' + std::string(method), request,
                              fields_of(options), std::move(done));
  }
  auto local = std::make_shared<grpc::LocalCall>(options);
  auto failure = std::make_shared<Status>();
  local->running = [run = std::move(run), local = local.get(), failure](rpc::Finished finished) mutable {
    run([local, failure, finished = std::move(finished)](std::expected<CallReply, Status> result) mutable {
      if (result) {
        local->reply = std::move(*result);
        return finished({});
      }
      *failure = std::move(result.error());
      finished(Error{base::Errc::internal, failure->message});
    });
  };
  rpc::ask(parts_.dispatcher, parts_.loops.next(), kChange, local,
           [local, failure, done = std::move(done)](Result<> result) mutable {
             if (result) return done(std::move(local->reply));
             if (failure->code != Code::ok) return done(std::unexpected(std::move(*failure)));
             done(fail(result.error()));
           });
}

void Service::apply(std::string command, std::string message, std::string what, CallDone done) {
  parts_.server.apply(std::move(command), [message = std::move(message), what = std::move(what),
                                           done = std::move(done)](Result<catalog::ApplyResult> applied) mutable {
    if (!applied) return done(fail(Code::unknown, what + applied.error().detail));
    if (const Error* error = applied->error()) return done(fail(Code::unknown, what + error->detail));
    done(CallReply{.message = std::move(message)});
  });
}

/// A token, with the peering if there is none yet.
class Service::Generation : public std::enable_shared_from_this<Generation> {
 public:
  Generation(const Service& service, GenerateTokenRequest request, CallDone done)
      : service_(service), request_(std::move(request)), done_(std::move(done)) {}

  void begin() {
    const Settings& settings = service_.settings_;
    if (!settings.connect_enabled) {
      return done_(fail(Code::unknown,
                        "connect.enabled must be set to true in the server's configuration when generating peering "
                        "tokens"));
    }
    if (!settings.offers_tls) {
      return done_(fail(Code::unknown, "TLS for gRPC must be enabled when generating peering tokens"));
    }
    const auto view = service_.parts_.server.view();
    const Result<rpc::IndexedCARoots> roots = rpc::trusted_roots(view->tables(), nullptr);
    if (!roots) return done_(fail(Code::unknown, "failed to fetch roots: " + roots.error().detail));
    if (roots->Roots.empty() || roots->TrustDomain.empty()) {
      return done_(fail(Code::unknown, "CA has not finished initializing"));
    }
    token_.ServerName = server_name(settings.datacenter, roots->TrustDomain);
    for (const auto& root : roots->Roots) {
      if (root) token_.CA.push_back(root->RootCert.ends_with('\n') ? root->RootCert : root->RootCert + '\n');
    }
    write(true);
  }

 private:
  void write(bool may_try_again) {
    const auto view = service_.parts_.server.view();
    const catalog::Tables& tables = view->tables();
    const Peering* existing = catalog::find_peering(tables, request_.PeerName);
    if (existing && existing->dials()) {
      return done_(fail(Code::unknown, "cannot create peering with name: " + base::quote(existing->Name) +
                                           "; there is already an established peering"));
    }
    catalog::PeeringWriteRequest write;
    Peering& peering = write.Peering.emplace();
    if (existing) {
      peering = *existing;
    } else {
      do {
        peering.ID = base::generate_uuid(base::system_random());
      } while (catalog::find_peering_by_id(tables, peering.ID));
      peering.Name = request_.PeerName;
      peering.Meta = request_.Meta;
    }
    do {
      token_.EstablishmentSecret = base::generate_uuid(base::system_random());
    } while (catalog::is_secret_in_use(tables, token_.EstablishmentSecret));
    token_.PeerID = peering.ID;
    catalog::SecretsWriteRequest& secrets = write.SecretsRequest.emplace();
    secrets.PeerID = peering.ID;
    secrets.generate_token.emplace().establishment_secret = token_.EstablishmentSecret;
    service_.parts_.server.apply(catalog::encode_peering_command(Command::peering_write, write),
                                 [self = shared_from_this(), may_try_again](Result<catalog::ApplyResult> applied) {
                                   self->written(std::move(applied), may_try_again);
                                 });
  }
  void written(Result<catalog::ApplyResult> applied, bool may_try_again) {
    const Error* error = applied ? applied->error() : &applied.error();
    if (error) {
      // Somebody else made the peering at the same time.
      const bool taken = error->detail.find("A peering already exists with the name") != std::string::npos;
      if (taken && may_try_again) return write(false);
      return done_(fail(Code::unknown, "failed to write peering: " + error->detail));
    }
    const auto view = service_.parts_.server.view();
    Result<std::vector<std::string>> addresses = own_addresses(view->tables(), nullptr);
    if (!addresses) return done_(fail(addresses.error()));
    token_.ServerAddresses = std::move(*addresses);
    token_.ManualServerAddresses = std::move(request_.ServerExternalAddresses);
    token_.Remote = {.Datacenter = service_.settings_.datacenter, .Locality = service_.settings_.locality};
    GenerateTokenResponse response;
    response.PeeringToken = encode_token(token_);
    done_(CallReply{.message = encoded(response)});
  }

  const Service& service_;
  GenerateTokenRequest request_;
  CallDone done_;
  Token token_{};
};

void Service::generate_token(const GenerateTokenRequest& request, CallOptions options, CallDone done) {
  if (!is_default(request.Partition)) return done(fail(Code::invalid_argument, kNoPartitions));
  if (Result<> named = check_peer_name(request.PeerName); !named) return done(fail(named.error()));
  if (Result<> meta = catalog::validate_node_meta(request.Meta, false); !meta) {
    return done(fail(Code::unknown, "meta tags failed validation: " + meta.error().detail));
  }
  change(
      "GenerateToken", encoded(request), std::move(options),
      [this, request](CallDone finished) {
        std::make_shared<Generation>(*this, request, std::move(finished))->begin();
      },
      std::move(done));
}

void Service::establish(const EstablishRequest& request, CallOptions options, CallDone done) {
  if (Result<> named = check_peer_name(request.PeerName); !named) return done(fail(named.error()));
  Result<Token> token = decode_token(request.PeeringToken);
  if (!token) return done(fail(token.error()));
  if (Result<> fine = check_token(*token); !fine) return done(fail(fine.error()));
  if (Result<> meta = catalog::validate_node_meta(request.Meta, false); !meta) {
    return done(fail(Code::unknown, "meta tags failed validation: " + meta.error().detail));
  }
  change(
      "Establish", encoded(request), std::move(options),
      [this, request, token = std::move(*token)](CallDone finished) {
        const Establishment::Parts parts{.all = establishing_,
                                         .server = parts_.server,
                                         .peers = parts_.peers,
                                         .tracker = parts_.tracker,
                                         .datacenter = settings_.datacenter};
        Establishment::begin(parts, request, token, std::move(finished));
      },
      std::move(done));
}

void Service::read(const catalog::PeeringNameRequest& request, CallOptions options, CallDone done) {
  if (!is_default(request.Partition)) return done(fail(Code::invalid_argument, kNoPartitions));
  query(
      "PeeringRead", encoded(request), kRead, {}, std::move(options),
      [this, name = request.Name](const catalog::View& view, base::KeySet* watch, std::string& message, bool& found) {
        const Peering* peering = catalog::find_peering(view.tables(), name, watch);
        found = peering != nullptr;
        if (peering) message = encoded(PeeringReadResponse{.Peering = parts_.tracker.shown(*peering)});
        return catalog::peering_index(view.tables(), peering);
      },
      std::move(done));
}

void Service::list(const PeeringListRequest& request, CallOptions options, CallDone done) {
  if (!is_default(request.Partition)) return done(fail(Code::invalid_argument, kNoPartitions));
  query(
      "PeeringList", encoded(request), kRead, {}, std::move(options),
      [this](const catalog::View& view, base::KeySet* watch, std::string& message, bool&) {
        PeeringListResponse response;
        for (const Peering* peering : catalog::all_peerings(view.tables(), watch)) {
          response.Peerings.push_back(parts_.tracker.shown(*peering));
        }
        response.OBSOLETE_Index = view.tables().index_of(catalog::kPeeringIndex);
        message = encoded(response);
        return response.OBSOLETE_Index;
      },
      std::move(done));
}

void Service::remove(const catalog::PeeringNameRequest& request, CallOptions options, CallDone done) {
  if (!is_default(request.Partition)) return done(fail(Code::invalid_argument, kNoPartitions));
  change(
      "PeeringDelete", encoded(request), std::move(options),
      [this, name = request.Name](CallDone finished) {
        const auto view = parts_.server.view();
        const Peering* existing = catalog::find_peering(view->tables(), name);
        if (!existing || existing->is(catalog::PeeringState::deleting)) return finished(CallReply());
        // What else is known of it is over now; what was imported is removed before the peering goes.
        catalog::PeeringWriteRequest write;
        Peering& peering = write.Peering.emplace();
        peering.ID = existing->ID;
        peering.Name = name;
        peering.State = static_cast<std::int32_t>(catalog::PeeringState::deleting);
        peering.ManualServerAddresses = existing->ManualServerAddresses;
        peering.PeerServerAddresses = existing->PeerServerAddresses;
        peering.DeletedAt = now();
        apply(catalog::encode_peering_command(Command::peering_write, write), {}, {}, std::move(finished));
      },
      std::move(done));
}

void Service::write(const catalog::PeeringWriteRequest& request, CallOptions options, CallDone done) {
  if (request.Peering && !is_default(request.Peering->Partition)) {
    return done(fail(Code::invalid_argument, kNoPartitions));
  }
  if (!request.Peering) return done(fail(Code::unknown, "missing required peering body"));
  change(
      "PeeringWrite", encoded(request), std::move(options),
      [this, request](CallDone finished) {
        catalog::PeeringWriteRequest write = request;
        const auto view = parts_.server.view();
        const Peering* existing = catalog::find_peering(view->tables(), write.Peering->Name);
        write.Peering->ID = existing ? existing->ID : base::generate_uuid(base::system_random());
        apply(catalog::encode_peering_command(Command::peering_write, write), {}, {}, std::move(finished));
      },
      std::move(done));
}

void Service::read_bundle(const catalog::PeeringNameRequest& request, CallOptions options, CallDone done) {
  if (!is_default(request.Partition)) return done(fail(Code::invalid_argument, kNoPartitions));
  const auto may = [](const tokens::Who& who) -> Result<> {
    if (who->allows_any(acl::Resource::service, acl::Access::write)) return {};
    return tokens::denied(who, acl::Resource::service, std::nullopt, acl::Access::write);
  };
  query(
      "TrustBundleRead", encoded(request), kBundles, may, std::move(options),
      [name = request.Name](const catalog::View& view, base::KeySet* watch, std::string& message, bool& found) {
        const auto* bundle = catalog::find_trust_bundle(view.tables(), name, watch);
        found = bundle != nullptr;
        const std::uint64_t index = bundle ? bundle->ModifyIndex : view.tables().index_of(catalog::kTrustBundleIndex);
        if (bundle) message = encoded(TrustBundleReadResponse{.OBSOLETE_Index = index, .Bundle = *bundle});
        return index;
      },
      std::move(done));
}

void Service::list_bundles(const TrustBundleListByServiceRequest& request, CallOptions options, CallDone done) {
  if (!is_default(request.Partition)) return done(fail(Code::invalid_argument, kNoPartitions));
  if (!is_default(request.Namespace)) return done(fail(Code::invalid_argument, kNoNamespaces));
  if (request.ServiceName.empty()) return done(fail(Code::unknown, "missing service name"));
  const auto may = [name = request.ServiceName](const tokens::Who& who) {
    return tokens::require(who, acl::Resource::service, name, acl::Access::write);
  };
  query(
      "TrustBundleListByService", encoded(request), kBundles, may, std::move(options),
      [request](const catalog::View& view, base::KeySet* watch, std::string& message, bool&) {
        const catalog::Tables& tables = view.tables();
        TrustBundleListByServiceResponse response;
        response.OBSOLETE_Index = tables.index_of({catalog::kTrustBundleIndex, catalog::kPeeringIndex});
        if (request.Kind == "mesh-gateway") {
          for (const auto* bundle : catalog::all_trust_bundles(tables, watch)) response.Bundles.push_back(*bundle);
        } else {
          for (const std::string& peer : catalog::peers_of_service(tables, request.ServiceName, watch)) {
            const Peering* peering = catalog::find_peering(tables, peer, watch);
            const auto* bundle = catalog::find_trust_bundle(tables, peer, watch);
            if (peering && peering->active() && bundle) response.Bundles.push_back(*bundle);
          }
          response.OBSOLETE_Index = std::max(response.OBSOLETE_Index, tables.index_of("config-entries"));
        }
        message = encoded(response);
        return response.OBSOLETE_Index;
      },
      std::move(done));
}

void Service::exchange(const ExchangeSecretRequest& request, CallDone done) {
  if (!parts_.server.leadership().is_leader) {
    return parts_.leader.call('/' + std::string(kPeerStreamService) + "/ExchangeSecret", encoded(request), {},
                              std::move(done));
  }
  const auto view = parts_.server.view();
  const catalog::Tables& tables = view->tables();
  const catalog::PeeringSecrets* known = catalog::find_peering_secrets(tables, request.PeerID);
  if (!known || !same_secret(known->establishment_secret(), request.EstablishmentSecret)) {
    return done(fail(Code::permission_denied, "invalid peering establishment secret"));
  }
  ExchangeSecretResponse response;
  do {
    response.StreamSecret = base::generate_uuid(base::system_random());
  } while (catalog::is_secret_in_use(tables, response.StreamSecret));
  catalog::SecretsWriteRequest write;
  write.PeerID = request.PeerID;
  // The state machine looks at the token's secret again: of two who come with it, one is late.
  write.exchange_secret.emplace() = {.establishment_secret = request.EstablishmentSecret,
                                     .pending_stream_secret = response.StreamSecret};
  apply(
      catalog::encode_peering_command(Command::peering_secrets_write, write), encoded(response),
      "failed to persist peering secret: ", [done = std::move(done)](std::expected<CallReply, Status> result) mutable {
        if (!result) result.error().code = Code::internal;
        done(std::move(result));
      });
}

void Service::add_peering_service(grpc::Services& services) {
  std::vector<grpc::Method> methods;
  const auto add = [&](const char* name, Load load) {
    const auto act = [this, name](std::string request, CallOptions options, CallDone done) {
      call(name, std::move(request), std::move(options), std::move(done));
    };
    methods.push_back(grpc::by_bytes(name, load, load == Load::read, act));
  };
  for (const char* name : {"GenerateToken", "Establish", "PeeringDelete", "PeeringWrite"}) add(name, Load::write);
  for (const char* name : {"PeeringRead", "PeeringList", "TrustBundleListByService", "TrustBundleRead"}) {
    add(name, Load::read);
  }
  services.add(std::string(kPeeringService), std::move(methods));
}

grpc::Method Service::exchange_secret() {
  return grpc::by_bytes("ExchangeSecret", Load::write, false, [this](std::string request, CallOptions, CallDone done) {
    Result<ExchangeSecretRequest> given = decoded<ExchangeSecretRequest>(request);
    if (!given) return done(fail(Code::internal, "grpc: error unmarshalling request: " + given.error().detail));
    exchange(*given, std::move(done));
  });
}

}  // namespace proconsul::agent::peering
