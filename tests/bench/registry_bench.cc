// What the registry costs: registering, asking for healthy instances, saving and restoring, bytes per node.
// Usage: registry_bench [instances]
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "catalog/fsm.h"
#include "catalog/query/instances.h"
#include "catalog/registry/register.h"
#include "catalog/snapshot.h"
#include "catalog/store/kv.h"

namespace {

using namespace proconsul;
using namespace proconsul::catalog;
// The thread's own time: other programs on the machine do not count.
struct Clock {
  static double now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
  }
};
double microseconds(double since) {
  return Clock::now() - since;
}

RegisterRequest instance(std::size_t node, std::size_t service, const std::string& name) {
  RegisterRequest request;
  request.Datacenter = "dc1";
  request.Node = "node-" + std::to_string(node);
  request.Address = "10.1." + std::to_string(node / 250 % 250) + "." + std::to_string(node % 250);
  request.TaggedAddresses["lan"] = request.Address;
  request.TaggedAddresses["wan"] = request.Address;
  request.NodeMeta["consul-network-segment"] = "";
  NodeService& added = request.Service.emplace();
  added.ID = name + "-" + std::to_string(node) + "-" + std::to_string(service);
  added.Service = name;
  added.Tags = base::List<std::string>({"v1", "production"});
  added.Address = request.Address;
  added.Port = 8080;
  added.Meta["version"] = "1.0";
  HealthCheck& check = request.Check.emplace();
  check.Node = request.Node;
  check.CheckID = "service:" + added.ID;
  check.Name = "Service '" + name + "' check";
  check.Status = "passing";
  check.Output = "HTTP GET http://10.1.1.1:8080/health: 200 OK";
  check.ServiceID = added.ID;
  check.Type = "http";
  return request;
}

void registrations(std::size_t count, const char* what, std::size_t batch, std::size_t services_per_node) {
  malloc_trim(0);
  const auto before = mallinfo2();
  Store store;
  StateMachine machine(store);
  std::uint64_t index = 1;
  std::string slices;
  auto start = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "svc-" + std::to_string(i % 500);
    const std::string data =
        encode_command(Command::register_, instance(i / services_per_node, i % services_per_node, name));
    if (!machine.apply({.index = ++index, .term = 1, .data = data})) std::abort();
    if (i % batch == 0) machine.commit();
    if ((i + 1) % (count / 5) == 0) {
      char text[32];
      std::snprintf(text, sizeof text, " %.1f", microseconds(start) / static_cast<double>(count / 5));
      slices += text;
      start = Clock::now();
    }
  }
  machine.commit();
  malloc_trim(0);
  const auto after = mallinfo2();
  std::printf("%-28s us per registration, by fifths:%s; %.0f bytes per instance\n", what, slices.c_str(),
              static_cast<double>((after.uordblks + after.hblkhd) - (before.uordblks + before.hblkhd)) /
                  static_cast<double>(count));
}

void health(std::size_t instances) {
  Store store;
  StateMachine machine(store);
  std::uint64_t index = 1;
  for (std::size_t i = 0; i < instances; ++i) {
    (void)machine.apply(
        {.index = ++index, .term = 1, .data = encode_command(Command::register_, instance(i, 0, "web"))});
  }
  machine.commit();
  const ViewPtr view = store.view();
  std::size_t bytes = 0;
  const auto ask = [&] {
    base::KeySet keys;
    std::string scratch;
    InstancesAnswer answer = health_instances(view->tables(), {.service = "web"}, &keys);
    filter_by_health(view->tables(), answer.rows, HealthFilter::only_passing);
    bytes = 0;
    for (const InstanceRow* row : answer.rows) bytes += health_json(view->tables(), *row, scratch).size();
  };
  auto start = Clock::now();
  ask();
  const double cold = microseconds(start);
  constexpr int kTimes = 200;
  start = Clock::now();
  for (int i = 0; i < kTimes; ++i) ask();
  std::printf("health of %5zu instances: %8.1f us (first time %8.1f us), %zu bytes\n", instances,
              microseconds(start) / kTimes, cold, bytes);
}

void snapshots(std::size_t keys) {
  Store store;
  StateMachine machine(store);
  std::uint64_t index = 1;
  KVSRequest request;
  request.Op = "set";
  request.DirEnt.Value = base::Bytes(std::string(100, 'v'));
  for (std::size_t i = 0; i < keys; ++i) {
    request.DirEnt.Key = "application/settings/" + std::to_string(i);
    (void)machine.apply({.index = ++index, .term = 1, .data = encode_command(Command::kvs, request)});
  }
  machine.commit();
  std::string saved;
  auto start = Clock::now();
  (void)write_snapshot(machine.image(), [&](std::string_view bytes) -> base::Result<> {
    saved += bytes;
    return {};
  });
  const double save = microseconds(start);
  start = Clock::now();
  std::string_view left = saved;
  auto state = read_snapshot([&](std::span<char> buffer) -> base::Result<std::size_t> {
    const std::size_t size = std::min(buffer.size(), left.size());
    std::memcpy(buffer.data(), left.data(), size);
    left.remove_prefix(size);
    return size;
  });
  std::printf("snapshot of %zu keys: saved in %.0f ms, restored in %.0f ms (%zu keys, %zu bytes)\n", keys, save / 1000,
              microseconds(start) / 1000, state ? state->tables.kv.size() : 0, saved.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  registrations(count, "one commit each, 2 per node", 1, 2);
  registrations(count, "64 per commit, 2 per node", 64, 2);
  registrations(count, "one commit each, one node", 1, count);
  for (const std::size_t instances : {10u, 100u, 1000u}) health(instances);
  snapshots(200'000);
}
