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

# Unit tests are the executables test_<module>; ctest's name is the target's name.
unit_tests_of() {
  ctest --test-dir "build/$1" -N -R '^test_' | sed -n 's/^ *Test *#[0-9]*: *\(test_[a-z0-9_]*\)$/\1/p'
}

run_release() {
  if build_all release; then run_ctest release "$1"; else count_build_failure release; fi
}

# Only the unit tests: a sanitized daemon is slow, and the simulator covers it.
run_asan() {
  local regex=${1:-^test_} selected
  configure asan || { count_build_failure asan; return; }
  mapfile -t selected < <(unit_tests_of asan | grep -E -- "$regex" || true)
  if [[ ${#selected[@]} -eq 0 ]]; then
    [[ $2 == optional ]] || die "no unit test matches $regex"
    return 0
  fi
  build_only asan "${selected[@]}" || { count_build_failure asan; return; }
  local names
  names=$(IFS='|'; echo "${selected[*]}")
  run_ctest asan "^($names)\$"
}

run_tests() {
  local regex="" only="" started=$SECONDS
  while [[ $# -gt 0 ]]; do
    case $1 in
      -R) [[ $# -ge 2 ]] || die "-R needs a regular expression"; regex=$2; shift 2 ;;
      --in) [[ ${2:-} == release || ${2:-} == asan ]] || die "--in release or --in asan"
        only=$2; shift 2 ;;
      *) die "test: unknown argument $1 (tools/dev help)" ;;
    esac
  done
  case $only in
    release) run_release "$regex" ;;
    asan) run_asan "$regex" required ;;
    *) run_release "$regex"; run_asan "$regex" optional ;;
  esac
  printf '\n%s s in all\n' "$((SECONDS - started))"
  printf '%s passed, %s failed\n' "$tests_passed" "$tests_failed"
  [[ $tests_failed -eq 0 && $tests_passed -gt 0 ]]
}
