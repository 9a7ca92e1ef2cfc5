#!/bin/sh
# Make sure that there is a Chromium for the browser tests: Debian's package is installed where that is possible.
# Ends with 0 if there is one, else says what is missing.
command -v chromium >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "Installing Chromium for the browser tests (Debian's package) ..."
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium; } \
        >/dev/null 2>&1
    command -v chromium >/dev/null && exit 0
fi
echo "no chromium on the PATH, and it could not be installed (Debian: apt-get install chromium)"
exit 1
