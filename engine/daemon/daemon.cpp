// Daemon: start, run, stop.
// Core: control. Allocates: yes, until the loops are sealed. Blocks: yes. Clock: system.
#include "engine/daemon/daemon.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "diameter/edge/native_edge.hpp"
#include "engine/admin/api.hpp"
#include "engine/admin/plan_use.hpp"
#include "engine/admin/transfer.hpp"
#include "engine/clock.hpp"
#include "engine/daemon/control.hpp"
#include "engine/daemon/disk_need.hpp"
#include "engine/daemon/log.hpp"
#include "engine/daemon/recover.hpp"
#include "engine/daemon/setup.hpp"
#include "engine/daemon/sponsors.hpp"
#include "engine/daemon/threads.hpp"
#include "engine/journal/file_storage.hpp"
#include "engine/pipeline/journal_loop.hpp"
#include "engine/transport/tcp.hpp"

namespace levy::daemon {

using shard::OperatorKind;
using shard::OperatorRequest;
using shard::OperatorResult;

using TcpEdge = edge::NativeEdge<transport::TcpTransport>;

// In the order of construction; destroyed in reverse.
struct Daemon::Parts {
  explicit Parts(DaemonRequest r) : request(std::move(r)), options(request.config.options) {}

  DaemonRequest request;
  const config::Options& options;
  HugePages huge_pages = HugePages::off;
  journal::NodeDirectory data;
  std::vector<std::unique_ptr<shard::Scratch>> scratch;
  std::vector<std::unique_ptr<shard::Shard>> shards;
  std::unique_ptr<journal::SegmentFiles> segments;
  journal::FileStorage storage;
  journal::SegmentSupply supply;
  std::unique_ptr<journal::SegmentKeeper> keeper;
  std::unique_ptr<journal::Journal<journal::FileStorage>> journal;
  std::unique_ptr<Directory> directory;
  std::unique_ptr<pipeline::Rings> rings;
  pipeline::ShardMap map;
  std::unique_ptr<metrics::CounterBlock[]> counters;
  std::size_t counter_blocks = 0;
  std::unique_ptr<transport::TcpTransport> transport;
  std::vector<peer::PeerConfig> peer_configs;
  peer::Settings settings;
  std::unique_ptr<TcpEdge> edge;
  std::vector<std::unique_ptr<pipeline::ShardLoop>> shard_loops;
  std::unique_ptr<pipeline::JournalLoop<journal::FileStorage>> journal_loop;
  std::unique_ptr<pipeline::EdgeLoop<TcpEdge>> edge_loop;
  std::unique_ptr<Records> records;  // control reads it, and its thread reads control: stop()
  std::unique_ptr<Control> control;
  std::unique_ptr<Plans> plans;
  std::unique_ptr<admin::AdminServer> admin;
  std::unique_ptr<Sponsors> sponsors;
  std::vector<std::unique_ptr<CoreThread>> threads;
  std::vector<CoreThread*> edge_threads;

  std::string open_data();
  std::string look_at_disk();
  void make_shards();
  std::string recover_state();
  void make_pipeline();
  std::string make_edge();
  std::string open_journal();
  std::string open_records();
  void make_threads();
  std::string open_plans();
  std::string settle_recovery();
  std::string reload();
  std::string switch_to(std::uint16_t version);
  std::uint16_t intern(shard::NameKind kind, std::string_view text, std::uint64_t digest);
  std::uint16_t find_name(shard::NameKind kind, std::string_view text);
  bool rename(shard::NameKind kind, std::string_view text, std::uint16_t id);
  shard::OperatorReply name_command(shard::NameKind kind, std::string_view text, std::uint32_t id,
                                    bool only_find, std::uint64_t digest = 0);
  std::string start_admin();
  bool fresh = false;
};

Daemon::Daemon(DaemonRequest request) : parts_(std::make_unique<Parts>(std::move(request))) {}
Daemon::~Daemon() {
  if (parts_->records != nullptr) parts_->records->stop();
}

// ---- start ---------------------------------------------------------------------------------

std::string Daemon::Parts::open_data() {
  journal::DirectoryRequest want;
  want.path = options.data.directory;
  want.node_name = options.node_name;
  want.shards = static_cast<std::uint32_t>(options.data.shards);
  want.now = SystemClock().now();
  want.adopt = request.adopt;
  if (const journal::Failure f = data.open(want)) return f.text;
  fresh = data.fresh();
  if (data.shards() != static_cast<std::uint32_t>(options.data.shards)) {
    return "data.shards: " + std::to_string(options.data.shards) + ", but " + data.path() +
           " was made with " + std::to_string(data.shards()) +
           ": the number is fixed when a directory is made; say " + std::to_string(data.shards());
  }
  if (!data.adopted_from().empty()) log::warn("data", "adopted from node " + data.adopted_from());
  map.shards = data.shards();
  map.loops = options.placement.mode == config::PlacementMode::spread
                  ? static_cast<std::uint32_t>(
                        std::max<std::size_t>(options.placement.shard_cores.size(), 1))
                  : 1;
  if (map.loops > map.shards) return "placement.shard_cores: more cores than shards";
  huge_pages = options.memory.huge_pages == config::HugePages::automatic ? HugePages::automatic
                                                                         : HugePages::off;
  return {};
}

// Before anything is written: a disk that is too small shows itself weeks later otherwise.
std::string Daemon::Parts::look_at_disk() {
  DiskRoom room;
  if (!disk_room(data.path(), room)) return {};
  const DiskVerdict verdict = judge_disk(disk_need(options), room);
  if (!verdict.fits) return "data directory " + data.path() + ": " + verdict.text;
  if (!verdict.text.empty()) log::warn("disk", verdict.text);
  return {};
}

void Daemon::Parts::make_shards() {
  for (std::uint32_t i = 0; i < map.loops; ++i)
    scratch.push_back(std::make_unique<shard::Scratch>());
  shard::Options how;
  how.duplicate_window = static_cast<std::uint32_t>(options.sessions.duplicate_window_s);
  how.session_ttl = static_cast<std::uint32_t>(options.sessions.ttl_s);
  how.push_retry = static_cast<std::uint32_t>(options.sessions.push_retry_s);
  how.abort_wait = static_cast<std::uint32_t>(options.sessions.abort_wait_s);
  how.push_tries_max = static_cast<std::uint16_t>(options.sessions.push_tries_max);
  how.event_time_skew_max = static_cast<std::uint32_t>(options.sessions.event_time_skew_max_s);
  for (std::uint32_t s = 0; s < map.shards; ++s) {
    const ShardId id{static_cast<std::uint8_t>(s)};
    shards.push_back(std::make_unique<shard::Shard>(id, shard_capacity(options, map.shards, s), how,
                                                    huge_pages, *scratch[map.loop_of(id)]));
  }
}

std::string Daemon::Parts::recover_state() {
  segments = std::make_unique<journal::SegmentFiles>(data.journal_path());
  if (const journal::Failure f = segments->open_for_writing()) return f.text;
  Recovered r = recover(
      *segments, data.snapshot_path(), data.node_id(),
      static_cast<std::uint64_t>(options.data.segment_bytes),
      [this](std::uint8_t s) -> shard::Shard& { return *shards[s]; }, map.shards,
      [this] {
        shards.clear();
        scratch.clear();
        make_shards();
      });
  if (!r.failure.empty()) return "data directory " + data.path() + ": " + r.failure;
  for (const std::string& note : r.notes) log::info("recovery", note);
  log::info("recovery", std::to_string(r.records) + " records replayed, epoch " +
                            std::to_string(r.start.epoch));
  const Time now = SystemClock().now();
  for (auto& s : shards) s->rebuild(now);

  directory = std::make_unique<Directory>(
      static_cast<std::size_t>(options.capacity.identities_max + options.capacity.accounts_max),
      huge_pages);
  std::size_t left_out = 0;
  for (auto& s : shards) {
    const auto put = [&](rating::IdentityType type, std::string_view text, Slot slot) {
      left_out +=
          !directory->put(Directory::key(static_cast<std::uint8_t>(type), text), s->id(), slot);
    };
    s->for_each_identity(put, [&](std::string_view name, Slot slot) {
      put(rating::IdentityType::account_name, name, slot);
    });
  }
  if (left_out != 0)
    return "capacity: " + std::to_string(left_out) +
           " identities or account names do not fit; raise identities_max or accounts_max";
  journal::KeeperOptions keep;
  keep.segment_bytes = static_cast<std::uint64_t>(options.data.segment_bytes);
  keep.ahead = segments_ahead;
  keeper = std::make_unique<journal::SegmentKeeper>(*segments, supply, keep, r.segments,
                                                    r.next_sequence);
  journal::FileStorageOptions how;
  how.mode = options.data.write_mode == config::WriteMode::io_uring ? journal::WriteMode::io_uring
             : options.data.write_mode == config::WriteMode::thread ? journal::WriteMode::thread
                                                                    : journal::WriteMode::automatic;
  if (const journal::Failure f = storage.open(how)) return f.text;
  if (!storage.fallback_reason().empty())
    log::warn("journal", "no io_uring, one writer thread instead: " + storage.fallback_reason());
  journal::JournalOptions journal_options;
  journal_options.relaxed = options.data.durability == config::Durability::relaxed;
  if (journal_options.relaxed)
    log::warn("journal",
              "durability is relaxed: answers leave before their Records are on disk; a "
              "crash of this machine may lose the last writes in flight");
  journal = std::make_unique<journal::Journal<journal::FileStorage>>(storage, supply, r.start,
                                                                     journal_options);
  return {};
}

void Daemon::Parts::make_pipeline() {
  const auto slots = static_cast<std::size_t>(options.overload.slots);
  const auto push_slots = static_cast<std::size_t>(options.overload.push_slots);
  const std::size_t control_slots = 512;
  const std::size_t all = slots + control_slots + push_slots * map.loops + 64;
  rings = std::make_unique<pipeline::Rings>(map.loops,
                                            static_cast<std::size_t>(options.overload.ring), all);
  counter_blocks = 5 + map.loops;  // edge, journal, control, Shards, admin, records
  counters = std::make_unique<metrics::CounterBlock[]>(counter_blocks);
  const auto& dialects = options.diameter.dialects;
  const app::LocalIdentity local{options.diameter.origin_host, options.diameter.origin_realm,
                                 settings.node.origin_state_id};
  const auto now = [] { return SystemClock().now(); };
  for (std::uint32_t i = 0; i < map.loops; ++i) {
    pipeline::ShardLoopOptions o;
    o.number = i;
    o.map = map;
    o.push_frames = push_slots;
    o.batch_max = static_cast<std::size_t>(options.overload.batch);
    o.dialects = &dialects;
    o.local = local;
    std::vector<shard::Shard*> mine;
    for (std::uint32_t s = i; s < map.shards; s += map.loops) mine.push_back(shards[s].get());
    shard_loops.push_back(std::make_unique<pipeline::ShardLoop>(o, std::move(mine), *rings, now,
                                                                counters[3 + i], huge_pages));
  }
  journal_loop = std::make_unique<pipeline::JournalLoop<journal::FileStorage>>(*journal, *rings,
                                                                               all, counters[1]);
  // Before the first turn: a snapshot begins at what is durable.
  counters[1].set(metrics::Counter::durable_lsn, journal->durable().value);
  counters[1].set(metrics::Counter::proven_lsn, journal->durable().value);
  pipeline::EdgeLoopOptions e;
  e.map = map;
  e.frames = slots;
  e.frames_all = all;
  e.parking_max = static_cast<std::size_t>(options.overload.parking_max);
  e.any_realm = options.diameter.any_realm;
  e.realms = options.diameter.realms_served;
  e.dialects = &dialects;
  e.local = local;
  edge_loop = std::make_unique<pipeline::EdgeLoop<TcpEdge>>(e, *edge, *rings, *directory, now,
                                                            counters[0], huge_pages);
}

std::string Daemon::Parts::make_edge() {
  transport = std::make_unique<transport::TcpTransport>(transport_options(options));
  settings =
      peer_settings(options, peer_configs, static_cast<std::uint32_t>(data.created().seconds()));
  edge = std::make_unique<TcpEdge>(*transport, settings, edge_options(options));
  return {};
}

// Before the first Command, so that the records begin with it.
std::string Daemon::Parts::open_records() {
  if (options.records.directory.empty()) return {};
  RecordsParts r;
  r.options = options.records;
  r.node_name = data.node_name();
  r.node_id = data.node_id();
  r.journal_directory = data.journal_path();
  r.segment_bytes = static_cast<std::uint64_t>(options.data.segment_bytes);
  r.journal = &counters[1];
  r.own = &counters[counter_blocks - 1];
  r.sessions_open = &rings->sessions_open;
  records = std::make_unique<Records>(r);
  return records->open(journal->durable());
}

void Daemon::Parts::make_threads() {
  const config::PlacementOptions& p = options.placement;
  const auto add = [&](std::string name, std::int64_t core, std::vector<pipeline::Loop*> loops) {
    threads.push_back(std::make_unique<CoreThread>(std::move(name), static_cast<int>(core),
                                                   std::move(loops), p.idle, p.idle_sleep_us));
  };
  if (p.mode == config::PlacementMode::one_core) {
    add("levy-core", p.edge_core, {edge_loop.get(), shard_loops[0].get(), journal_loop.get()});
    return;
  }
  add("levy-edge", p.edge_core, {edge_loop.get()});
  for (std::uint32_t i = 0; i < map.loops; ++i)
    add("levy-shard-" + std::to_string(i), p.shard_cores.empty() ? -1 : p.shard_cores[i],
        {shard_loops[i].get()});
  add("levy-journal", p.journal_core, {journal_loop.get()});
}

shard::OperatorReply Daemon::Parts::name_command(shard::NameKind kind, std::string_view text,
                                                 std::uint32_t id, bool only_find,
                                                 std::uint64_t digest) {
  OperatorRequest r;
  r.kind = OperatorKind::intern;
  r.name_kind = kind;
  r.flag = only_find;
  r.digest = digest;
  r.cursor = id;
  if (text.size() >= sizeof r.name) return {};
  std::memcpy(r.name, text.data(), text.size());
  return control->call(ShardId{0}, r).reply;
}

std::uint16_t Daemon::Parts::intern(shard::NameKind kind, std::string_view text,
                                    std::uint64_t digest) {
  const shard::OperatorReply reply = name_command(kind, text, 0, false, digest);
  if (reply.result != OperatorResult::ok && reply.result != OperatorResult::unchanged) return 0;
  const auto id = static_cast<std::uint16_t>(reply.id);
  control->add_name(id, std::string(text));
  return id;
}

std::uint16_t Daemon::Parts::find_name(shard::NameKind kind, std::string_view text) {
  const shard::OperatorReply reply = name_command(kind, text, 0, true);
  return reply.result == OperatorResult::unchanged ? static_cast<std::uint16_t>(reply.id)
                                                   : std::uint16_t{0};
}

bool Daemon::Parts::rename(shard::NameKind kind, std::string_view text, std::uint16_t id) {
  return name_command(kind, text, id, false).result == OperatorResult::ok;
}

std::string Daemon::Parts::open_plans() {
  std::vector<std::pair<std::uint16_t, std::string>> stored;
  for (std::uint32_t id = 1; id <= shards[0]->name_capacity(); ++id) {
    const shard::Name& name = shards[0]->name(static_cast<std::uint16_t>(id));
    if (!name.live()) break;
    if (name.kind == shard::NameKind::plan_version)
      stored.emplace_back(static_cast<std::uint16_t>(id), std::string(name.view()));
    else  // the latest name of an id is the one that is said
      control->add_name(name.renames != 0 ? name.renames : static_cast<std::uint16_t>(id),
                        std::string(name.view()));
  }
  Plans::Doors doors;
  doors.intern = [this](shard::NameKind kind, std::string_view text, std::uint64_t digest) {
    return intern(kind, text, digest);
  };
  doors.find = [this](shard::NameKind kind, std::string_view text) {
    return find_name(kind, text);
  };
  doors.rename = [this](shard::NameKind kind, std::string_view text, std::uint16_t id) {
    return rename(kind, text, id);
  };
  doors.barrier = [this] { control->barrier(); };
  doors.in_use = [this] {
    std::map<std::uint16_t, std::uint64_t> sessions;
    for (const auto& [version, use] : admin::plan_use(*control).versions)
      sessions[version] = use.sessions;
    return sessions;
  };
  plans = std::make_unique<Plans>(data.plans_path(), std::move(doors));
  for (auto& s : shards) s->set_plans(plans->table().sets.data(), limits::plan_versions_max);
  return plans->load_stored(std::move(stored), shards[0]->state().plan_version);
}

std::string Daemon::Parts::switch_to(std::uint16_t version) {
  for (std::uint32_t s = 0; s < map.shards; ++s) {
    OperatorRequest r;
    r.kind = OperatorKind::switch_plan;
    r.plan_version = version;
    const OperatorResult result =
        control->call(ShardId{static_cast<std::uint8_t>(s)}, r).reply.result;
    if (result != OperatorResult::ok && result != OperatorResult::unchanged)
      return "shard " + std::to_string(s) + " did not take the plan version";
  }
  control->set_version(version);
  return {};
}

// Recovery completes what a crash left between two Shards: deadlines move by the downtime, the plan
// switch reaches every Shard, money in transit goes on.
std::string Daemon::Parts::settle_recovery() {
  if (!fresh) {
    for (std::uint32_t s = 0; s < map.shards; ++s) {
      OperatorRequest r;
      r.kind = OperatorKind::recovered;
      control->call(ShardId{static_cast<std::uint8_t>(s)}, r);
    }
  }
  std::string faults;
  const std::uint16_t version =
      plans->take(request.config.catalogue, request.config.sources, faults);
  if (version == 0) return faults;
  const std::string failed = switch_to(version);
  if (!failed.empty()) return failed;
  admin::drive_mail(*control);
  return {};
}

std::string Daemon::Parts::reload() {
  config::LoadedCatalogue fresh_plans = config::load_catalogue(options.plan_paths);
  if (!fresh_plans.ok()) {
    std::ostringstream faults;
    fresh_plans.diagnostics.print(faults);
    return faults.str();
  }
  std::string faults;
  const std::uint16_t version = plans->take(fresh_plans.catalogue, fresh_plans.sources, faults);
  if (version == 0) return faults;
  const std::vector<admin::PlanInfo> before = control->current_plans();
  const std::string failed = switch_to(version);
  if (failed.empty()) log::info("plans", "version " + std::to_string(version) + " is in force");
  const std::vector<admin::PlanInfo> after = plans->infos(version);
  for (const admin::PlanInfo& old : before) {
    const auto same = [&old](const admin::PlanInfo& plan) { return plan.id == old.id; };
    if (failed.empty() && std::none_of(after.begin(), after.end(), same))
      log::warn("plans",
                "plan " + old.name +
                    " is gone from the files: accounts that have it keep "
                    "its latest stored version; move them with levyctl subscriber set ID plan");
  }
  return failed;
}

std::string Daemon::start() {
  Parts& p = *parts_;
  std::string failed = log::open(p.options.log);
  if (failed.empty()) failed = raise_descriptor_limit(p.options);
  if (!failed.empty()) return failed;
  failed = p.open_data();
  if (failed.empty()) failed = p.look_at_disk();
  if (!failed.empty()) return failed;
  p.make_shards();
  failed = p.recover_state();
  if (failed.empty()) failed = p.make_edge();
  if (!failed.empty()) return failed;
  p.make_pipeline();

  ControlParts c;
  c.rings = p.rings.get();
  c.map = p.map;
  c.directory = p.directory.get();
  for (auto& loop : p.shard_loops) c.shard_loops.push_back(loop.get());
  c.edge_log = &p.edge_loop->log();
  c.peer_events = &p.edge_loop->peer_events();
  c.trace_full = &p.edge_loop->trace_full();
  c.trace_empty = &p.edge_loop->trace_empty();
  c.traced = &p.edge_loop->traced();
  for (std::size_t i = 0; i < p.counter_blocks; ++i) c.counters.push_back(&p.counters[i]);
  c.own_counters = &p.counters[2];
  c.keeper = p.keeper.get();
  c.supply = &p.supply;
  c.snapshot_directory = p.data.snapshot_path();
  c.node_id = p.data.node_id();
  c.snapshot_every_s = p.options.data.snapshot_every_s;
  c.snapshot_after_bytes = p.options.data.snapshot_after_bytes;
  c.node_name = p.options.node_name;
  c.origin_host = p.options.diameter.origin_host;
  c.journal_mode =
      std::string(p.storage.mode() == journal::WriteMode::io_uring ? "io_uring" : "thread") +
      (p.segments->direct() ? ", direct" : ", page cache") +
      (p.options.data.durability == config::Durability::relaxed ? ", relaxed" : ", synced");
  const std::vector<std::string> faults = p.transport->open();
  for (const std::string& fault : faults) failed += fault + "\n";
  if (!failed.empty()) return failed;
  for (std::uint32_t i = 0; i < p.options.diameter.listeners.size(); ++i)
    c.listeners.push_back(p.options.diameter.listeners[i].address + ":" +
                          std::to_string(p.transport->listener_port(i)));
  failed = p.open_records();
  if (!failed.empty()) return failed;
  p.control = std::make_unique<Control>(c);
  p.control->set_records(p.records.get());
  // The loops run before the plans are there (interning is a Command); the edge's own door opens
  // last: until then requests wait in their sockets.
  p.edge_loop->hold(true);
  p.make_threads();
  p.control->start();
  for (auto& t : p.threads) t->start();
  failed = p.open_plans();
  if (failed.empty() && p.records != nullptr) p.records->start(*p.control);
  if (failed.empty()) failed = p.settle_recovery();
  if (!failed.empty()) return failed;
  p.control->set_plans(p.plans.get());
  p.control->set_reload([&p] { return p.reload(); });
  failed = p.start_admin();
  if (!failed.empty()) return failed;
  p.edge_loop->hold(false);
  p.control->set_ready(true);
  for (const std::string& l : c.listeners) log::info("listening", "diameter on " + l);
  log::info("ready", p.options.diameter.origin_host + ", journal " + c.journal_mode);
  log::flush();
  return {};
}

std::string Daemon::Parts::start_admin() {
  admin::AdminOptions o;
  o.socket_path = options.admin.socket;
  o.http = http_door(options.admin.http);
  o.counters = &counters[counter_blocks - 2];
  admin = std::make_unique<admin::AdminServer>(*control, o);
  const std::string failed = admin->start();
  if (!failed.empty()) return failed;
  if (admin->http_port() != 0) {
    log::info("listening", std::string(o.http.tls.certificate.empty() ? "http" : "https") + " on " +
                               o.http.address + " port " + std::to_string(admin->http_port()) +
                               (o.http.writes ? ", writes allowed" : ", reads only"));
  }
  sponsors = std::make_unique<Sponsors>(*control);
  sponsors->start();
  return {};
}

// ---- run and stop --------------------------------------------------------------------------

int Daemon::run(bool (*stop_wanted)(), bool (*reopen_wanted)()) {
  Parts& p = *parts_;
  const auto journal_failed = [&p] {
    return p.rings->journal_failed.load(std::memory_order_acquire);
  };
  using std::chrono::milliseconds;
  while (!stop_wanted() && journal_failed() == 0) {
    if (reopen_wanted()) {
      const std::string failed = log::open(p.options.log);
      if (!failed.empty()) log::error("log", failed + ": the old file stays in use");
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
  if (journal_failed() != 0) {
    // No answer, no tidy close: what is not durable never happened (house.md "The journal").
    log::error("journal", "a write failed (errno " + std::to_string(journal_failed()) +
                              "): stopping at once; restart when the disk is well");
    log::flush();
    std::_Exit(3);
  }
  log::info("stopping", "draining");
  p.control->set_ready(false);
  p.edge_loop->ask_drain();
  for (int i = 0; i < 300 && !p.edge_loop->drained(); ++i)
    std::this_thread::sleep_for(milliseconds(20));
  p.sponsors->stop();
  p.admin->stop();
  const std::string snapshot = p.control->snapshot_now();
  if (!snapshot.empty()) log::warn("snapshot", "no final one: " + snapshot);
  if (p.records != nullptr) p.records->finish();
  p.control->stop();
  for (auto& t : p.threads) t->stop();
  for (int i = 0; i < 5000; ++i) {  // what a loop took over last still lies in the rings
    std::size_t done = 0;
    for (auto& loop : p.shard_loops) done += loop->do_work();
    done += p.journal_loop->do_work();
    if (done == 0 && p.journal_loop->idle()) break;
    if (done == 0) std::this_thread::sleep_for(milliseconds(1));
  }
  for (int i = 0; i < 1000 && !p.journal->state_durable(); ++i) {
    p.journal->poll();
    std::this_thread::sleep_for(milliseconds(1));
  }
  for (int i = 0; i < 1000 && !p.journal->idle(); ++i) {
    p.journal->poll();
    std::this_thread::sleep_for(milliseconds(1));
  }
  log::info("stopped", "durable up to LSN " + std::to_string(p.journal->durable().value));
  log::flush();
  return journal_failed() != 0 ? 3 : 0;
}

}  // namespace levy::daemon
