// A Record as JSON, and as the lines that people read.
// Core: none. Allocates: yes. Blocks: never. Clock: none.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/shard/record.hpp"
#include "tools/journaldump/names.hpp"

namespace journaldump {

// {lsn, time, shard, sequence, bytes, kind, operator_kind?, account?, account_name?, subscriber?,
// session?, session_id?, host?, who?, why?, request?, where?, reason, events?, mscc: [...], lost?,
// products?, movements: [...], images: [...]}. Interned ids stand as names where `names` knows
// them.
nlohmann::ordered_json record_json(levy::Lsn lsn, const levy::shard::RecordView& record,
                                   const Names& names);

// One line for the Record, an indented one for each MSCC, product and movement.
std::string record_text(const nlohmann::ordered_json& record);

}  // namespace journaldump
