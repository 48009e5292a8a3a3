# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What scripts that build and test share: a copy of the source tree, so that the checkout is not changed, and the
# results that Automake's test driver left in a build. To be sourced by a bash script.

# copy_source TREE FOLDER: the files that are or could be committed; without git, all of a tree that was not built in
copy_source() {
  local tree=$1 folder=$2 file
  mkdir -p "$folder"
  if git -C "$tree" ls-files --error-unmatch configure.ac >/dev/null 2>&1; then
    git -C "$tree" ls-files -z --cached --others --exclude-standard |
      while IFS= read -r -d '' file; do
        if [ -e "$tree/$file" ]; then printf '%s\0' "$file"; fi
      done | tar -C "$tree" --null --files-from - -cf - | tar -C "$folder" -xf -
  elif [ -e "$tree/config.status" ]; then
    echo "${0##*/}: this tree was configured and is not a git checkout; run \"make distclean\" first" >&2
    return 1
  else
    tar -C "$tree" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$folder" -xf -
  fi
}

# count_results BUILD RESULT...: test cases with these results
count_results() {
  local build=$1 pattern
  shift
  pattern=$(printf '|%s' "$@")
  find "$build" -name '*.trs' -exec cat {} + | grep -cE "^:test-result: (${pattern#|})( |\$)" || :
}

# end_with PASSED FAILED SKIPPED: the last line of a run, and its status
end_with() {
  local passed=$1 failed=$2 skipped=$3
  if [ $((passed + failed)) -eq 0 ]; then
    echo "scripts/${0##*/}: no test ran" >&2
    failed=1
  fi
  echo
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}
