#!/usr/bin/env bash
# Install dciodvfy, the validator that the tests of DICOM output ask, where Debian's packages are at hand and the
# user may install them. Elsewhere do nothing: those tests then skip and say why.
set -euo pipefail
command -v dciodvfy >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "dciodvfy is not here and cannot be installed without root and apt: tests that need it are skipped"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends dicom3tools; } >/dev/null 2>&1 ||
    echo "dicom3tools could not be installed: tests that need it are skipped"
