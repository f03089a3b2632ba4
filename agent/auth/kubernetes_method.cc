// Service accounts of Kubernetes: its API server says whose a token is.
#include <algorithm>
#include <utility>

#include "acl/jwt/keys.h"
#include "agent/auth/config_reader.h"
#include "agent/auth/method.h"
#include "agent/auth/web.h"
#include "base/json.h"

namespace proconsul::agent::auth {
namespace {

using base::Errc;
using base::Error;
using base::Result;
using base::net::Url;
using base::net::WaitedAnswer;

constexpr std::string_view kServiceNameAnnotation = "consul.hashicorp.com/service-name";
constexpr std::string_view kReviews = "/apis/authentication.k8s.io/v1/tokenreviews";

/// What selectors see.
struct ServiceAccountFields {
  std::string Namespace{}, Name{}, UID{};
};
PROCONSUL_DECLARE_TYPE(ServiceAccountFields)
PROCONSUL_DESCRIBE_TYPE(ServiceAccountFields, "kubeauth.k8sFieldDetailsServiceAccount") {
  type.field("Namespace", &ServiceAccountFields::Namespace).filter("namespace");
  type.field("Name", &ServiceAccountFields::Name).filter("name");
  type.field("UID", &ServiceAccountFields::UID).filter("uid");
}
struct KubernetesFields {
  ServiceAccountFields ServiceAccount{};
};
PROCONSUL_DECLARE_TYPE(KubernetesFields)
PROCONSUL_DESCRIBE_TYPE(KubernetesFields, "kubeauth.k8sFieldDetails") {
  type.field("ServiceAccount", &KubernetesFields::ServiceAccount).filter("serviceaccount");
}

// Of Kubernetes' answers, what is looked at.
struct ReviewedUser {
  std::string username{}, uid{};
};
PROCONSUL_DECLARE_TYPE(ReviewedUser)
PROCONSUL_DESCRIBE_TYPE(ReviewedUser, "v1.UserInfo") {
  type.field("Username", &ReviewedUser::username).json("username");
  type.field("UID", &ReviewedUser::uid).json("uid");
}
struct ReviewStatus {
  bool authenticated{};
  ReviewedUser user{};
  std::string error{};
};
PROCONSUL_DECLARE_TYPE(ReviewStatus)
PROCONSUL_DESCRIBE_TYPE(ReviewStatus, "v1.TokenReviewStatus") {
  type.field("Authenticated", &ReviewStatus::authenticated).json("authenticated");
  type.field("User", &ReviewStatus::user).json("user");
  type.field("Error", &ReviewStatus::error).json("error");
}
struct Review {
  ReviewStatus status{};
};
PROCONSUL_DECLARE_TYPE(Review)
PROCONSUL_DESCRIBE_TYPE(Review, "v1.TokenReview") {
  type.field("Status", &Review::status).json("status");
}
struct AccountMeta {
  base::Map<std::string> annotations{};
};
PROCONSUL_DECLARE_TYPE(AccountMeta)
PROCONSUL_DESCRIBE_TYPE(AccountMeta, "v1.ObjectMeta") {
  type.field("Annotations", &AccountMeta::annotations).json("annotations");
}
struct Account {
  AccountMeta metadata{};
};
PROCONSUL_DECLARE_TYPE(Account)
PROCONSUL_DESCRIBE_TYPE(Account, "v1.ServiceAccount") {
  type.field("ObjectMeta", &Account::metadata).json("metadata");
}
struct Refusal {
  std::string kind{}, message{};
};
PROCONSUL_DECLARE_TYPE(Refusal)
PROCONSUL_DESCRIBE_TYPE(Refusal, "v1.Status") {
  type.field("Kind", &Refusal::kind).json("kind");
  type.field("Message", &Refusal::message).json("message");
}

Error failed(std::string detail) {
  return {Errc::internal, std::move(detail)};
}

/// Whether it may stand in a path as it is: names of Kubernetes have nothing else in them.
bool is_name(std::string_view text) {
  return !text.empty() && text != "." && text != ".." && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// What the API server says when it does not do what it is asked.
std::string complaint(const WaitedAnswer& answer) {
  Refusal refusal;
  if (base::read_json(answer.body, refusal) && refusal.kind == "Status" && !refusal.message.empty()) {
    return excerpt(refusal.message);
  }
  if (answer.status == 401) return "the server has asked for the client to provide credentials";
  if (answer.status == 404) return "the server could not find the requested resource";
  return "an error on the server (" + answer.status_text + ") has prevented the request from succeeding";
}

Identity identity_of(ServiceAccountFields account) {
  std::map<std::string, std::string> variables = {{"serviceaccount.namespace", account.Namespace},
                                                  {"serviceaccount.name", account.Name},
                                                  {"serviceaccount.uid", account.UID}};
  return make_identity(KubernetesFields{std::move(account)}, std::move(variables));
}

class KubernetesMethod final : public Method {
 public:
  static Result<MethodPtr> make(const catalog::ACLAuthMethod& method, const Means& means);
  Identity nobody() const override { return identity_of({}); }
  Result<Identity> identify(const std::string& bearer) override;

 private:
  explicit KubernetesMethod(Web& web) : web_(web) {}
  template <class T>
  Result<T> ask(std::string method, std::string_view path, std::string body);

  Web& web_;
  Url base_{};
  std::string own_token_{};
  std::shared_ptr<base::net::TlsContext> tls_{};
};

Result<MethodPtr> KubernetesMethod::make(const catalog::ACLAuthMethod& method, const Means& means) {
  std::string host, ca;
  std::shared_ptr<KubernetesMethod> made(new KubernetesMethod(means.web));
  ConfigReader reader(method.Config);
  reader.read("Host", host);
  reader.read("CACert", ca);
  reader.read("ServiceAccountJWT", made->own_token_);
  if (Result<> read = reader.finish(); !read) return read.error();
  if (host.empty()) return failed("Config.Host is required");
  if (ca.empty()) return failed("Config.CACert is required");
  Result<std::shared_ptr<base::net::TlsContext>> tls = trusting(ca);
  if (!tls) {
    return failed("error parsing kubernetes ca cert: data does not contain any valid RSA or ECDSA certificates");
  }
  made->tls_ = std::move(*tls);
  if (made->own_token_.empty()) return failed("Config.ServiceAccountJWT is required");
  if (const Result<acl::jwt::Token> token = acl::jwt::parse(made->own_token_); !token) {
    return failed("Config.ServiceAccountJWT is not a valid JWT: " + token.error().detail);
  }
  if (host.find("://") == std::string::npos) host.insert(0, "https://");
  Result<Url> url = base::net::parse_url(host);
  if (!url) return failed(url.error().detail);
  if ((url->scheme != "https" && url->scheme != "http") || url->host.empty()) {
    return failed("host must be a URL or a host:port pair: \"" + host + "\"");
  }
  made->base_ = std::move(*url);
  return MethodPtr(std::move(made));
}

template <class T>
Result<T> KubernetesMethod::ask(std::string method, std::string_view path, std::string body) {
  Web::Question question{.method = std::move(method), .url = base_, .body = std::move(body), .tls = tls_};
  std::string& to = question.url.path;
  while (to.ends_with('/')) to.pop_back();
  to += path;
  question.url.has_query = false;
  question.headers = {{"Accept", "application/json"}, {"Authorization", "Bearer " + own_token_}};
  if (!question.body.empty()) question.headers.emplace_back("Content-Type", "application/json");
  const Result<WaitedAnswer> answer = web_.ask(std::move(question));
  if (!answer) return failed(answer.error().detail);
  if (answer->status < 200 || answer->status > 299) return failed(complaint(*answer));
  T read{};
  if (Result<> done = base::read_json(answer->body, read); !done) return failed(done.error().detail);
  return read;
}

Result<Identity> KubernetesMethod::identify(const std::string& bearer) {
  if (const Result<acl::jwt::Token> token = acl::jwt::parse(bearer); !token) {
    return failed("failed to parse and validate JWT: " + token.error().detail);
  }
  std::string request = R"({"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","spec":{"token":)";
  base::append_json_string(request, bearer);
  const Result<Review> review = ask<Review>("POST", kReviews, request + "}}");
  if (!review) return review.error();
  const ReviewStatus& status = review->status;
  if (!status.error.empty()) return failed("lookup failed: " + status.error);
  if (!status.authenticated) return failed("lookup failed: service account jwt not valid");
  // "system:serviceaccount:NAMESPACE:NAME"
  const std::vector<std::string> parts = split(status.user.username, ':');
  if (parts.size() != 4) return failed("lookup failed: unexpected username format");
  if (parts[0] != "system" || parts[1] != "serviceaccount" || !is_name(parts[2]) || !is_name(parts[3])) {
    return failed("lookup failed: username returned is not a service account");
  }
  const Result<Account> account =
      ask<Account>("GET", "/api/v1/namespaces/" + parts[2] + "/serviceaccounts/" + parts[3], {});
  if (!account) return failed("annotation lookup failed: " + account.error().detail);
  // The account may say that it runs a service of another name.
  const auto other = account->metadata.annotations.find(kServiceNameAnnotation);
  const bool renamed = other != account->metadata.annotations.end();
  return identity_of({.Namespace = parts[2], .Name = renamed ? other->second : parts[3], .UID = status.user.uid});
}

}  // namespace

Result<MethodPtr> make_kubernetes_method(const catalog::ACLAuthMethod& method, const Means& means) {
  return KubernetesMethod::make(method, means);
}

}  // namespace proconsul::agent::auth
