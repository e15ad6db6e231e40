# Configures and builds build/<name>. Sourced by tools/dev.

# configure BUILD: by the preset of that name (CMakePresets.json); quiet unless it fails.
configure() {
  local build=$1 log=build/$1/configure.log
  mkdir -p "build/$build"
  cmake --preset "$build" >"$log" 2>&1 && return 0
  cat "$log" >&2
  return 1
}

# build_all BUILD: everything; build_only BUILD TARGET...: just these.
build_all() { configure "$1" && say "ninja: build/$1" && ninja -C "build/$1"; }
build_only() {
  local build=$1
  shift
  configure "$build" && say "ninja: build/$build $*" && ninja -C "build/$build" "$@"
}

# The names of the build's executables and libraries as cmake knows them.
targets_of() {
  ninja -C "build/$1" -t targets all 2>/dev/null |
    sed -n -e '/^cmake_/d' -e 's/^\([^/:]*\): phony$/\1/p'
}

# build_target BUILD TARGET: builds it; fails without a build when the target does not exist.
build_target() {
  configure "$1" || die "cmake failed"
  targets_of "$1" | grep -qx -- "$2" || return 1
  build_only "$1" "$2" || die "the build failed; repeat: ninja -C build/$1 $2"
}

# binary_of BUILD TARGET: where its executable lies.
binary_of() {
  local found
  found=$(find "build/$1" -type f -name "$2" -perm -u+x -print -quit)
  [[ -n $found ]] || die "target $2 built no executable of that name under build/$1"
  printf '%s\n' "$found"
}
