// Cross-checks: listeners, peers, dialects, placement, sums of slots and capacities.
// Core: control. Allocates: yes. Blocks: never. Clock: none.
//
// Every fault stands at the value that should change, the later one where two are at odds.
#include "config/crosscheck.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "config/limits.hpp"

namespace levy::config {
namespace {

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

class Check {
 public:
  Check(Options& options, const Machine& machine, Reader& reader)
      : options_(options), machine_(machine), reader_(reader) {}

  void run() {
    listeners();
    http();
    realms();
    dialects();
    peers();
    placement();
    sums();
  }

 private:
  void fault(const std::string& path, std::string value, std::string problem, std::string allowed,
             std::string advice) {
    reader_.diagnostics().add({reader_.place_of(path), path, std::move(value), std::move(problem),
                               std::move(allowed), std::move(advice)});
  }

  // Two sockets clash when the ports are equal and the addresses are, or one is the wildcard of
  // the same family.
  static bool clash(const Listener& a, const Listener& b) {
    if (a.port == 0 || a.port != b.port || a.address.empty() || b.address.empty()) return false;
    const bool a6 = a.address.find(':') != std::string::npos;
    const bool b6 = b.address.find(':') != std::string::npos;
    const std::string any = a6 ? "::" : "0.0.0.0";
    return a6 == b6 &&
           (lower(a.address) == lower(b.address) || a.address == any || b.address == any);
  }

  void listeners() {
    const auto& all = options_.diameter.listeners;
    if (reader_.given("diameter.listeners") && all.empty()) {
      fault("diameter.listeners", "", "no listener is given", "at least one",
            "add \"- address: 127.0.0.1\"");
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (!clash(all[i], all[j])) continue;
        fault(item_path("diameter.listeners", i),
              all[i].address + " port " + std::to_string(all[i].port),
              "this socket is already taken by diameter.listeners[" + std::to_string(j) + "]", "",
              "remove one, or change its port");
        break;
      }
    }
    const HttpOptions& http = options_.admin.http;
    for (const Listener& listener : all) {
      if (!http.enabled || !clash({http.address, http.port}, listener)) continue;
      fault("admin.http.port", std::to_string(http.port),
            "this socket is already taken by a Diameter listener", "", "change the port");
      break;
    }
  }

  static bool is_loopback(const std::string& address) {
    return address.starts_with("127.") || address == "::1";
  }

  // Who may come in, and over what.
  void http() {
    const HttpOptions& http = options_.admin.http;
    const TlsOptions& tls = http.tls;
    const auto needs = [&](bool given, const char* key, bool other, const char* other_key) {
      if (!given || other) return;
      fault(std::string("admin.http.tls.") + key, "", std::string("it needs `") + other_key + "`",
            "", std::string("name the file in admin.http.tls.") + other_key);
    };
    needs(!tls.certificate.empty(), "certificate", !tls.key.empty(), "key");
    needs(!tls.key.empty(), "key", !tls.certificate.empty(), "certificate");
    needs(!tls.client_ca.empty(), "client_ca", !tls.certificate.empty(), "certificate");
    needs(!tls.writers.empty(), "writers", !tls.client_ca.empty(), "client_ca");
    if (!http.enabled) return;
    const bool credentials = !http.token_file.empty() || !tls.client_ca.empty();
    const bool loopback = is_loopback(http.address);
    if (!loopback && !credentials) {
      fault("admin.http.address", http.address,
            "anybody who reaches this address could read: there are no credentials",
            "127.0.0.1 or ::1 without credentials",
            "set admin.http.token_file (`levyctl token NAME` makes a line of it) with "
            "admin.http.tls, or admin.http.tls.client_ca");
    }
    if (!loopback && !http.token_file.empty() && tls.certificate.empty() &&
        !http.plaintext_tokens) {
      fault("admin.http.token_file", "",
            "tokens would cross the network in clear: the address is not loopback and there is no "
            "TLS",
            "", "set admin.http.tls.certificate and key, or accept it: \"plaintext_tokens: true\"");
    }
    if (http.writes && !credentials) {
      fault("admin.http.writes", "true", "nobody could write: there are no credentials", "",
            "set admin.http.token_file or admin.http.tls.client_ca; the Unix socket allows writes "
            "in any case");
    }
  }

  void realms() {
    auto& realms = options_.diameter.realms_served;
    const std::string own = lower(options_.diameter.origin_realm);
    std::erase(realms, own);
    if (!own.empty()) realms.insert(realms.begin(), own);
  }

  void dialects() {
    for (const app::Dialect& dialect : options_.diameter.dialects) {
      const std::string path = "diameter.dialects." + std::string(dialect.name);
      if (dialect.duplicate_window_s < options_.sessions.duplicate_window_s &&
          reader_.given(path + ".duplicate_window")) {
        fault(path + ".duplicate_window", std::to_string(dialect.duplicate_window_s) + " s",
              "a dialect can only lengthen sessions.duplicate_window",
              "at least " + show_duration(options_.sessions.duplicate_window_s, 1'000'000),
              "raise it");
      }
    }
    // What a dialect does not say itself follows the general option.
    for (app::Dialect& dialect : options_.diameter.dialects) {
      const std::string path = "diameter.dialects." + std::string(dialect.name);
      if (reader_.given(path + ".duplicate_window")) continue;
      dialect.duplicate_window_s = static_cast<std::uint32_t>(options_.sessions.duplicate_window_s);
    }
  }

  void peers() {
    auto& diameter = options_.diameter;
    std::vector<std::string_view> names;
    for (const app::Dialect& dialect : diameter.dialects) names.emplace_back(dialect.name);
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < diameter.peers.size(); ++i) {
      PeerOptions& peer = diameter.peers[i];
      const std::string path = item_path("diameter.peers", i);
      const auto [first, is_new] = seen.try_emplace(lower(peer.identity), i);
      if (!is_new && !peer.identity.empty()) {
        fault(path + ".identity", peer.identity,
              "two peers have this identity; the other is diameter.peers[" +
                  std::to_string(first->second) + "]",
              "", "remove one");
      }
      if (!peer.identity.empty() && lower(peer.identity) == lower(diameter.origin_host)) {
        fault(path + ".identity", peer.identity, "this is our own origin_host", "",
              "name the gateway's Origin-Host");
      }
      const auto found = std::find(names.begin(), names.end(), peer.dialect);
      if (found != names.end()) {
        peer.dialect_index = static_cast<std::size_t>(found - names.begin());
        continue;
      }
      std::string list;
      for (const std::string_view name : names) {
        list += (list.empty() ? "" : ", ") + std::string(name);
      }
      const std::string_view near = nearest(peer.dialect, names);
      fault(path + ".dialect", peer.dialect, "this dialect is not declared in diameter.dialects",
            list, near.empty() ? "declare it" : "did you mean \"" + std::string(near) + "\"?");
    }
    if (!diameter.accept_unknown && diameter.peers.empty() && !reader_.given("diameter.peers")) {
      fault("diameter", "", "no peer could connect: no `peers`, and `accept_unknown` is false", "",
            "list the gateways in `peers`, or write \"accept_unknown: true\"");
    }
  }

  void core(const std::string& path, std::int64_t number, std::set<std::int64_t>& taken) {
    const auto& cores = machine_.cores;
    if (std::find(cores.begin(), cores.end(), number) == cores.end()) {
      std::string list;
      for (const int core : cores) list += (list.empty() ? "" : ", ") + std::to_string(core);
      fault(path, std::to_string(number), "this machine gives us no such core", list,
            "choose a core that exists and that the process may run on");
    } else if (!taken.insert(number).second && options_.placement.idle != Idle::sleep) {
      // Loops that sleep may share: a small machine, or a test of many Loops on few cores.
      fault(path, std::to_string(number), "this core is named twice", "",
            "give each Loop a core of its own, or write \"idle: sleep\"");
    }
  }

  void placement() {
    const PlacementOptions& placement = options_.placement;
    std::set<std::int64_t> taken;
    if (placement.edge_core >= 0) core("placement.edge_core", placement.edge_core, taken);
    for (std::size_t i = 0; i < placement.shard_cores.size(); ++i) {
      core(item_path("placement.shard_cores", i), placement.shard_cores[i], taken);
    }
    if (placement.journal_core >= 0) core("placement.journal_core", placement.journal_core, taken);
    const auto loops = static_cast<std::int64_t>(placement.shard_cores.size());
    if (loops > options_.data.shards) {
      fault("placement.shard_cores", std::to_string(loops) + " cores",
            "there are more cores than Shards", "at most " + std::to_string(options_.data.shards),
            "name fewer cores");
    }
    const bool spread = placement.mode == PlacementMode::spread;
    for (const char* key : {"edge_core", "shard_cores", "journal_core"}) {
      const std::string path = std::string("placement.") + key;
      const bool is_given = reader_.given(path);
      if (spread && !is_given) {
        fault(path, "", "this key is missing", "",
              "`mode: spread` needs edge_core, shard_cores and journal_core");
      } else if (!spread && is_given && path != "placement.edge_core") {
        fault(path, "", "this key has no meaning with `mode: one_core`", "",
              "remove it, or write \"mode: spread\"");
      }
    }
    if (spread && reader_.given("placement.shard_cores") && loops == 0) {
      fault("placement.shard_cores", "", "no core for the Shards", "at least one", "name a core");
    }
    if (reader_.given("placement.idle_sleep") && placement.idle != Idle::sleep) {
      fault("placement.idle_sleep", "", "this key has meaning with `idle: sleep` only", "",
            "remove it, or write \"idle: sleep\"");
    }
  }

  void at_least(const std::string& path, std::int64_t value, std::int64_t least, std::string why) {
    if (value >= least) return;
    fault(path, std::to_string(value), std::move(why), "at least " + std::to_string(least),
          "raise it");
  }

  void sums() {
    const OverloadOptions& overload = options_.overload;
    at_least("overload.slots", overload.slots, slots_needed(options_),
             "too few: the sum of parking_max, ring and batch per Shard Loop, and batch");
    at_least("overload.ring", overload.ring, overload.batch, "a ring must hold a batch");
    const CapacityOptions& capacity = options_.capacity;
    at_least("capacity.identities_max", capacity.identities_max, capacity.accounts_max,
             "every account has an identity (accounts_max)");
    at_least("capacity.buckets_max", capacity.buckets_max, capacity.accounts_max,
             "every account has a bucket (accounts_max)");
    at_least("capacity.groups_max", capacity.groups_max, capacity.sessions_max,
             "every session has a rating group (sessions_max)");
    const DiameterOptions& diameter = options_.diameter;
    if (diameter.connections_per_peer_max > diameter.connections_max) {
      fault("diameter.connections_per_peer_max",
            std::to_string(diameter.connections_per_peer_max), "more than connections_max",
            "at most " + std::to_string(diameter.connections_max), "lower it");
    }
    const StoreOptions& data = options_.data;
    if (data.segment_bytes % static_cast<std::int64_t>(limits::journal_block_bytes) != 0) {
      fault("data.segment_size", show_size(data.segment_bytes), "not a whole number of blocks",
            "a multiple of " + std::to_string(limits::journal_block_bytes) + " B", "round it");
    }
  }

  Options& options_;
  const Machine& machine_;
  Reader& reader_;
};

template <class Source>
void refuse_repeats(const std::vector<Source>& sources, std::string_view what,
                    Diagnostics& diagnostics) {
  std::map<std::string_view, const Place*> seen;
  for (const Source& source : sources) {
    if (!source.name.given) continue;
    const auto [first, is_new] = seen.try_emplace(source.name.value, &source.name.place);
    if (is_new) continue;
    diagnostics.add({source.name.place, std::string(what), source.name.value,
                     "this name is given twice; the first is at " + first->second->file + ":" +
                         std::to_string(first->second->line),
                     "", "rename one, or remove it"});
  }
}

}  // namespace

std::int64_t shard_loops(const Options& options) {
  const auto cores = static_cast<std::int64_t>(options.placement.shard_cores.size());
  return options.placement.mode == PlacementMode::spread && cores > 0 ? cores : 1;
}

std::int64_t slots_needed(const Options& options) {
  const OverloadOptions& overload = options.overload;
  return overload.parking_max + shard_loops(options) * (overload.ring + overload.batch) +
         overload.batch;
}

void crosscheck(Options& options, const Machine& machine, Reader& reader) {
  Check(options, machine, reader).run();
}

void crosscheck(const rating::Catalogue& catalogue, Diagnostics& diagnostics) {
  refuse_repeats(catalogue.plans, "plan", diagnostics);
  refuse_repeats(catalogue.bucket_kinds, "bucket_kinds[].kind", diagnostics);
}

}  // namespace levy::config
