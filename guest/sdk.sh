# Where the guest SDK is and how guests are compiled: for javm-cc and javm-config, which source this file. $sdk is the
# directory of this file, absolute: guest/ of the source tree, or lib/javm-guest of an installation.

sdk_fail() {
  echo "$sdk_name: $*" >&2
  exit 1
}

if [ -d "$sdk/lib" ]; then # installed
  sdk_include=$sdk/include sdk_lib=$sdk/lib sdk_sysroot=$sdk/sysroot
  sdk_javm=${JAVM:-${sdk%/lib/*}/bin/javm}
  sdk_make=
else
  sdk_include=$sdk sdk_lib=${sdk%/*}/build/guest/lib sdk_sysroot=${sdk%/*}/build/guest/sysroot
  sdk_javm=${JAVM:-${sdk%/*}/build/javm}
  sdk_make=1
fi

# The last of these are for speed and size: data may be read at any address, nothing unwinds the stack. Wide atomic
# objects are as good as others, as there is one thread.
sdk_cflags="--target=riscv64-unknown-elf -march=rv64emac_zbb -mabi=lp64e -nostdlibinc -femulated-tls \
-mno-strict-align -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -Wno-atomic-alignment"
sdk_cxxflags="-fno-exceptions -fno-rtti -fno-threadsafe-statics"
sdk_ldflags="-m elf64lriscv --gc-sections --emit-relocs -z norelro -z noexecstack"

# sdk_tool VARIABLE NAME PROGRAM PACKAGE: sets VARIABLE to the program: what the environment's NAME says, or PROGRAM-19
# and later, or PROGRAM if it is not older.
sdk_tool() {
  eval "sdk_found=\${$2-}"
  if [ -n "$sdk_found" ]; then
    command -v "$sdk_found" >/dev/null || sdk_fail "\$$2: there is no command '$sdk_found'"
  else
    for sdk_found in "$3-19" "$3-20" "$3-21" "$3-22" "$3" ''; do
      command -v "${sdk_found:-$3}" >/dev/null || continue
      [ "$sdk_found" = "$3" ] || break
      sdk_version=$("$3" --version 2>/dev/null | sed -n 's/.*\(LLD\|version\) \([0-9][0-9]*\)\..*/\2/p' | head -n 1)
      [ "${sdk_version:-0}" -lt 19 ] || break
    done
    [ -n "$sdk_found" ] || sdk_fail "$3 19 or newer is needed; on Debian: apt-get install $4"
  fi
  eval "$1=\$sdk_found"
}

# sdk_need FILE WHAT TARGET: complains if a part of the SDK has not been built.
sdk_need() {
  [ -e "$1" ] || command -v "$1" >/dev/null || sdk_fail "$2 ($1) is missing${sdk_make:+; build it by: make $3}"
}
