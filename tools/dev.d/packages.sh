# The Debian packages that the tree needs, in one place, and their installation.
# Sourced by tools/dev. Asks dpkg first, so a second run is quick and needs no network.

packages=(
  # compilers and builders
  build-essential cmake ninja-build pkg-config ccache python3 binutils
  # tests of the JSON Schemas and of the OpenAPI document; certificates of tests
  python3-yaml python3-jsonschema openssl
  # libraries of the product
  libboost-dev libjemalloc-dev liburing-dev libxxhash-dev libyaml-cpp-dev libfmt-dev libspdlog-dev
  libcli11-dev libcpp-httplib-dev libssl-dev nlohmann-json3-dev prometheus-cpp-dev
  libhowardhinnant-date-dev tzdata
  # test and benchmark libraries
  libgtest-dev libgmock-dev libbenchmark-dev
  # the real peers of tests/interop: freeDiameter, Erlang/OTP, Wireshark's decoder
  libfreediameter-dev freediameter freediameter-extensions
  erlang-base erlang-diameter
  tshark
  # diagnosis
  valgrind
)

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s\n' "$package"
  done
}

ensure_packages() {
  command -v dpkg-query >/dev/null ||
    die "no dpkg here: Levy builds on Debian 12. Elsewhere install the like of: ${packages[*]}"
  local missing
  mapfile -t missing < <(missing_packages)
  [[ ${#missing[@]} -gt 0 ]] || return 0

  say "installing Debian packages: ${missing[*]}"
  command -v apt-get >/dev/null || die "apt-get is missing: install by hand: ${missing[*]}"
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null ||
      die "not root and no sudo: as root run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  local env=(env DEBIAN_FRONTEND=noninteractive)
  "${as_root[@]}" "${env[@]}" apt-get update -q ||
    die "apt-get update failed: is there a network, and a mirror in /etc/apt?"
  "${as_root[@]}" "${env[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" ||
    die "apt-get install failed: as root run: apt-get install ${missing[*]}"
}
