// The quote and its reasons (see plan_price.hpp).
// Core: none. Allocates: yes. Blocks: reads files. Clock: in the question.
//
// The numbers are rating::quote()'s, which asks charge() itself; here they only get words.
#include "tools/levyctl/plan_price.hpp"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "config/values.hpp"
#include "rating/quote.hpp"
#include "tools/levyctl/client.hpp"
#include "tools/levyctl/plan_clock.hpp"
#include "tools/levyctl/plan_files.hpp"
#include "tools/levyctl/plan_question.hpp"
#include "tools/levyctl/plan_words.hpp"

namespace levyctl {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::uint16_t no_service = 0xffff;

std::string reason_text(rating::Reason reason) {
  switch (reason) {
    case rating::Reason::ok:
      return "";
    case rating::Reason::no_credit:
      return "4012: no further grant";
    case rating::Reason::denied:
      return "4010: denied";
    case rating::Reason::refused:
      return "5003: refused";
    case rating::Reason::rating_failed:
      return "5031: no price";
    default:
      return "5012: unable to comply";
  }
}

// What is asked, found in the files.
struct Asked {
  std::size_t plan_index = 0;
  const rating::PlanSource* source = nullptr;
  const rating::CompiledPlan* plan = nullptr;
  std::string zone;  // time zone, "" = UTC
  std::uint16_t service = no_service;
  std::string context;
  Message message;
  rating::QuoteQuestion question;
};

std::string names_of_plans(const PlanFiles& files) {
  std::vector<std::string> names;
  for (const rating::PlanSource& plan : files.catalogue().plans) names.push_back(plan.name.value);
  return joined(names, ", ");
}

std::string find_plan(const PlanFiles& files, const std::string& name, Asked& asked) {
  const auto& plans = files.catalogue().plans;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].name.value != name && !(name.empty() && plans.size() == 1)) continue;
    asked.plan_index = i;
    asked.source = &plans[i];
    asked.plan = files.compiled.plans[i].get();
    if (plans[i].time_zone.given) asked.zone = plans[i].time_zone.value;
    return {};
  }
  if (name.empty()) return "--plan is needed; there are: " + names_of_plans(files);
  return "no plan '" + name + "'; there are: " + names_of_plans(files);
}

// The service, by the context that is given, or by the first under which the use has its unit.
std::string find_use(const PriceOptions& options, Asked& asked) {
  const std::vector<std::string> contexts =
      options.context.empty() ? std::vector<std::string>{"data", "voice", "sms", "mms", "other"}
                              : std::vector<std::string>{options.context};
  std::string fault;
  for (const std::string& context : contexts) {
    if (!set_context(context, asked.message))
      return "--context is '" + context + "'; allowed: data, voice, sms, mms, other";
    const auto& request = asked.message.request;
    const std::uint16_t found = rating::find_service(*asked.plan, request, request.mscc[0]);
    if (found == no_service) continue;
    const rating::ServiceSource& service = asked.source->services[found];
    const auto parsed = levy::config::parse_units(options.use, service.unit.value);
    if (asked.service == no_service) asked.context = context, asked.service = found;
    if (!parsed.ok() || parsed.number < 0 || parsed.number > levy::limits::units_max) {
      if (fault.empty())
        fault = "--use is '" + options.use + "', but service " + service.name.value + " counts " +
                service.unit.value + (parsed.ok() ? "" : ": it " + parsed.fault);
      continue;
    }
    asked.context = context;
    asked.service = found;
    asked.question.used = parsed.number;
    return {};
  }
  return fault;
}

std::string read_question(const PriceOptions& options, Asked& asked) {
  const std::vector<std::string> wrong = read_message(options, asked.message);
  if (!wrong.empty()) return joined(wrong, "\n");
  std::string fault = find_use(options, asked);
  if (!fault.empty()) return fault;
  std::int64_t start = options.now;
  if (!options.at.empty()) fault = parse_local(options.at, asked.zone, start);
  if (!fault.empty()) return "--at: " + fault;
  if (!options.lasting.empty()) {
    const auto parsed = levy::config::parse_units(options.lasting, "seconds");
    if (!parsed.ok() || parsed.number < 1 || parsed.number > UINT32_MAX)
      return "--lasting is '" + options.lasting + "'; allowed: a time such as 90 s, 10 min, 1 h";
    asked.question.seconds = static_cast<std::uint32_t>(parsed.number);
  }
  asked.question.plan = asked.plan;
  asked.question.request = &asked.message.request;
  asked.question.start = levy::Time::from_seconds(start);
  return {};
}

// ---- reasons

std::string value_asked(const PriceOptions& options, const std::string& attribute) {
  if (attribute == "apn") return options.apn;
  if (attribute == "rat") return options.rat;
  if (attribute == "plmn") return options.plmn;
  if (attribute == "location") return options.location;
  if (attribute == "called") return options.called;
  if (attribute == "calling") return options.calling;
  if (attribute == "characteristics") return options.characteristics;
  if (attribute == "qci") return options.qci;
  if (attribute == "role") return options.role;
  return options.service_identifier;
}

// "time is peak", "plmn 20801 is in eu", "called is not given": a condition as the message meets
// it.
std::string met_text(const PriceOptions& options, const rating::ConditionSource& condition,
                     bool holds) {
  const std::string& attribute = condition.attribute.value;
  std::vector<std::string> values;
  for (const auto& value : condition.values) values.push_back(value.value);
  const std::string is = holds != condition.negated ? " is " : " is not ";
  if (attribute == "time") return attribute + is + joined(values, " or ");
  const std::string asked = value_asked(options, attribute);
  if (asked.empty()) return attribute + " is not given";
  const bool zone = attribute == "plmn" || attribute == "location" || attribute == "called" ||
                    attribute == "calling";
  return attribute + " " + asked + is + (zone ? "in " : "") + joined(values, " or ");
}

struct Why {
  std::vector<std::string> because;    // of the rate that was taken
  std::vector<std::string> not_taken;  // "peak: time is not peak", the rates before it
};

Why why(const PriceOptions& options, const Asked& asked, const rating::QuoteStep& step) {
  Why out;
  const rating::ServiceSource& source = asked.source->services[step.service];
  const rating::Service& service = asked.plan->services[step.service];
  const std::size_t end = step.rate == 0 ? source.rates.size() : step.rate;
  for (std::size_t r = 0; r < end; ++r) {
    const bool taken = step.rate == r + 1;
    for (std::size_t c = 0; c < source.rates[r].when.size(); ++c) {
      const rating::Condition& condition =
          asked.plan
              ->own_conditions[asked.plan->own_rates[service.first_rate + r].first_condition + c];
      const bool holds = rating::condition_holds(asked.question, step.from, condition);
      const std::string text = met_text(options, source.rates[r].when[c], holds);
      if (taken) {
        out.because.push_back(text);
      } else if (!holds) {
        out.not_taken.push_back(source.rates[r].name.value + " (" + text + ")");
        break;
      }
    }
  }
  return out;
}

// ---- answers

const rating::TariffSource& tariff_of(const Asked& asked, const rating::QuoteStep& step) {
  const rating::ServiceSource& service = asked.source->services[step.service];
  if (step.rate == 0) return service;
  return service.rates[step.rate - 1u];
}

std::string who_text(const Asked& asked) {
  const rating::MsccRequest& mscc = asked.message.request.mscc[0];
  return mscc.has_rating_group ? fmt::format("Rating-Group {}", mscc.rating_group)
                               : "a request without Rating-Group";
}

std::string none_text(const PriceOptions& options, const Asked& asked) {
  std::vector<std::string> names;
  for (const rating::ServiceSource& service : asked.source->services) {
    std::vector<std::string> groups;
    for (const auto& group : service.rating_groups) groups.push_back(std::to_string(group.value));
    if (service.any_rating_group.given) groups.push_back("any");
    if (service.without_rating_group.given) groups.push_back("none");
    names.push_back(service.name.value + " (" + joined(groups, ", ") + ")");
  }
  return fmt::format("{}: no service of plan {} takes {}{}{}; there are: {}",
                     asked.plan->unmatched == rating::Unmatched::denied_4010 ? "4010" : "5031",
                     asked.source->name.value, who_text(asked),
                     options.context.empty() ? "" : " in context " + options.context,
                     options.service_identifier.empty()
                         ? ""
                         : " with Service-Identifier " + options.service_identifier,
                     joined(names, ", "));
}

void print_text(const PriceOptions& options, const Asked& asked, const rating::Quote& quote) {
  const rating::ServiceSource& service = asked.source->services[asked.service];
  const std::string& unit = service.unit.value;
  const std::string& currency = asked.source->currency.value;
  const std::string zone = asked.zone.empty() ? "UTC" : asked.zone;
  fmt::print("plan {}, service {}, {}: {} from {} ({})\n", asked.source->name.value,
             service.name.value, who_text(asked), units_text(asked.question.used, unit),
             local_text(asked.question.start.seconds(), asked.zone), zone);
  for (std::uint32_t i = 0; i < quote.step_count; ++i) {
    const rating::QuoteStep& step = quote.steps[i];
    const Why reasons = why(options, asked, step);
    const bool own = step.rate == 0;
    const rating::TariffSource& tariff = tariff_of(asked, step);
    fmt::print(
        "\n{}. from {}: {}\n", i + 1, local_text(step.from.seconds(), asked.zone),
        own ? std::string("the service's own price")
            : "rate " + asked.source->services[step.service].rates[step.rate - 1u].name.value);
    if (!own) fmt::print("   because {}\n", joined(reasons.because, ", "));
    if (!reasons.not_taken.empty()) fmt::print("   not {}\n", joined(reasons.not_taken, ", "));
    fmt::print("   {} at {}", units_text(step.used, unit), tariff_text(tariff, unit, currency));
    if (step.fee != 0) fmt::print(", connect fee {} {}", micros_text(step.fee), currency);
    fmt::print(": {} {}\n", micros_text(step.charged), currency);
  }
  if (quote.cut) fmt::print("\nand more steps\n");
  fmt::print("\ntotal: {}, {} {}", units_text(quote.used, unit), micros_text(quote.charged),
             currency);
  if (service.tax.given && service.tax.value != 0)
    fmt::print(", {} tax included", permille_text(service.tax.value));
  fmt::print("\n");
  if (service.accumulate.given)
    fmt::print("counter {}: priced from 0, as the first use of its period\n",
               service.accumulate.value);
  if (quote.reason != rating::Reason::ok)
    fmt::print("not more: {} after {}\n", reason_text(quote.reason), units_text(quote.used, unit));
}

void print_json(const PriceOptions& options, const Asked& asked, const rating::Quote& quote) {
  const rating::ServiceSource& service = asked.source->services[asked.service];
  const std::string& unit = service.unit.value;
  Json steps = Json::array();
  for (std::uint32_t i = 0; i < quote.step_count; ++i) {
    const rating::QuoteStep& step = quote.steps[i];
    const Why reasons = why(options, asked, step);
    const rating::ServiceSource& of = asked.source->services[step.service];
    steps.push_back(
        {{"from", iso_text(step.from.seconds(), asked.zone)},
         {"service", of.name.value},
         {"rate", step.rate == 0 ? Json() : Json(of.rates[step.rate - 1u].name.value)},
         {"because", reasons.because},
         {"not_taken", reasons.not_taken},
         {"units", step.used},
         {"price", tariff_text(tariff_of(asked, step), unit, asked.source->currency.value)},
         {"fee", micros_text(step.fee)},
         {"charge", micros_text(step.charged)}});
  }
  Json answer = {
      {"plan", asked.source->name.value},
      {"service", service.name.value},
      {"context", asked.context},
      {"at", iso_text(asked.question.start.seconds(), asked.zone)},
      {"unit", unit},
      {"asked", asked.question.used},
      {"steps", steps},
      {"cut", quote.cut},
      {"used", quote.used},
      {"total", micros_text(quote.charged)},
      {"currency", asked.source->currency.value},
      {"tax", permille_text(service.tax.value)},
      {"refused", quote.reason == rating::Reason::ok ? Json() : Json(reason_text(quote.reason))}};
  if (service.accumulate.given) answer["counted_from_0"] = service.accumulate.value;
  fmt::print("{}\n", answer.dump(2));
}

int refuse(const std::string& text, bool json, int code) {
  if (json)
    fmt::print("{}\n", Json{{"refused", text}}.dump(2));
  else
    fmt::print(stderr, "{}\n", text);
  return code;
}

}  // namespace

int run_price(const PriceOptions& options, bool json) {
  const PlanFiles files = read_plan_files(options.paths);
  if (!files.ok()) {
    fmt::print(stderr, "{}", faults_text(files));
    return exit_refused;
  }
  Asked asked;
  std::string fault = find_plan(files, options.plan, asked);
  if (fault.empty()) fault = read_question(options, asked);
  if (!fault.empty()) return refuse(fault, json, exit_usage);
  if (asked.service == no_service) return refuse(none_text(options, asked), json, exit_refused);
  asked.question.zones = files.compiled.zones.get();
  const auto quote = std::make_unique<rating::Quote>();
  rating::quote(asked.question, *quote);
  if (json)
    print_json(options, asked, *quote);
  else
    print_text(options, asked, *quote);
  return quote->reason == rating::Reason::ok ? exit_ok : exit_refused;
}

}  // namespace levyctl
