# tools/dev test: builds, runs ctest, counts. Sourced by tools/dev.
# The last line printed is `N passed, N failed`; the CI reads it.

tests_passed=0
tests_failed=0

# count_build_failure BUILD: a tree that does not build counts as one failure.
count_build_failure() {
  tests_failed=$((tests_failed + 1))
  printf 'FAILED  the build in build/%s. Repeat: ninja -C build/%s\n' "$1" "$1"
}

# run_ctest BUILD REGEX: runs the tests whose names match and adds them to the count.
run_ctest() {
  local build=$1 regex=$2 junit=$root/build/$1/junit.xml counts
  rm -f "$junit"
  say "ctest: build/$build${regex:+ -R $regex}"
  ctest --test-dir "build/$build" --output-on-failure --no-tests=error -j2 \
    --output-junit "$junit" ${regex:+-R "$regex"} || true
  if ! grep -qs '<testcase' "$junit"; then
    tests_failed=$((tests_failed + 1))
    printf 'FAILED  ctest ran nothing. Repeat: ctest --test-dir build/%s%s\n' "$build" "${regex:+ -R '$regex'}"
    return
  fi
  # Prints failures to standard error and "passed failed" to standard output.
  counts=$(python3 tools/dev.d/junit.py "$junit" "$build")
  tests_passed=$((tests_passed + ${counts% *}))
  tests_failed=$((tests_failed + ${counts#* }))
}

# What each sanitized build runs: unit tests are the executables test_<module>.
# - asan: those, the fuzz target, the simulator (fewer seeds there) and the hostile bytes against a
#   sanitized daemon, for what they send is what ASan is for. The rest of the live suites (scenario,
#   crash, admin, interop) says more about levyd's answers than about its memory, and takes minutes.
#   Without a warm ccache, in seconds of one core on a machine with other work: unit tests 1,100,
#   fuzzing and simulator 130, levyd 140; to run them: 10, 10 and 10.
# - tsan: where threads meet: rings, the storage's writer, the transport. Not part of a plain run;
#   the Loops themselves are single-threaded by design and are the simulator's.
declare -A sanitized=(
  [asan]='^(test_[a-z0-9_]+|fuzz_gy|sim|hostile_(bytes|avps))$'
  [tsan]='^test_(base|journal|transport)$'
)
sanitized_tests_of() {
  ctest --test-dir "build/$1" -N | sed -n 's/^ *Test *#[0-9]*: *\([a-z0-9_]*\)$/\1/p' |
    grep -E -- "${sanitized[$1]}"
}

# target_of TEST: what must be built for it.
target_of() {
  case $1 in
    sim) echo sim_test ;;
    hostile_*) echo levyd ;;
    *) echo "$1" ;;
  esac
}

run_release() {
  if build_all release; then run_ctest release "$1"; else count_build_failure release; fi
}

# run_sanitized BUILD REGEX optional|required: those of its tests that match.
run_sanitized() {
  local build=$1 selected targets=() names test
  configure "$build" || { count_build_failure "$build"; return; }
  mapfile -t selected < <(sanitized_tests_of "$build" | grep -E -- "${2:-.}" || true)
  if [[ ${#selected[@]} -eq 0 ]]; then
    [[ $3 == optional ]] || die "no test of build/$build matches $2"
    return 0
  fi
  for test in "${selected[@]}"; do targets+=("$(target_of "$test")"); done
  mapfile -t targets < <(printf '%s\n' "${targets[@]}" | sort -u)
  build_only "$build" "${targets[@]}" || { count_build_failure "$build"; return; }
  names=$(IFS='|'; echo "${selected[*]}")
  # One thread, thousands of recoveries: minutes under TSan, and no race to find.
  [[ $build != tsan ]] || export GTEST_FILTER='-JournalCrash.*'
  run_ctest "$build" "^($names)\$"
}

run_tests() {
  local regex="" only="" started=$SECONDS
  while [[ $# -gt 0 ]]; do
    case $1 in
      -R) [[ $# -ge 2 ]] || die "-R needs a regular expression"; regex=$2; shift 2 ;;
      --in) [[ ${2:-} =~ ^(release|asan|tsan)$ ]] || die "--in release, --in asan or --in tsan"
        only=$2; shift 2 ;;
      *) die "test: unknown argument $1 (tools/dev help)" ;;
    esac
  done
  case $only in
    release) run_release "$regex" ;;
    asan | tsan) run_sanitized "$only" "$regex" required ;;
    *) run_release "$regex"; run_sanitized asan "$regex" optional ;;
  esac
  printf '\n%s s in all\n' "$((SECONDS - started))"
  printf '%s passed, %s failed\n' "$tests_passed" "$tests_failed"
  [[ $tests_failed -eq 0 && $tests_passed -gt 0 ]]
}
