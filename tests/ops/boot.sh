#!/bin/sh
# Boots a real systemd in namespaces of its own, on a copy-on-write image of this machine, runs STORY there as a
# service, and prints what it printed. Nothing outlives it: what is written is in memory, and goes with the mounts.
# Usage: unshare --mount sh boot.sh STORY REPOSITORY SECONDS
set -eu
story=$1 repository=$2 seconds=$3
mount --make-rprivate /
work=$(mktemp -d)
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/image"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$work/image"
mkdir -p "$work/image$repository"
mount --rbind -o ro "$repository" "$work/image$repository"
: > "$work/image/etc/machine-id"
cp "$story" "$work/image/story"
units=$work/image/etc/systemd/system
# The repository may be below /tmp, which a boot covers or clears.
export SYSTEMD_NSPAWN_TMPFS_TMP=0
mkdir -p "$work/image/etc/tmpfiles.d"
ln -sf /dev/null "$units/tmp.mount"
ln -sf /dev/null "$work/image/etc/tmpfiles.d/tmp.conf"
cat > "$units/story.target" <<'END'
[Unit]
Requires=basic.target story.service
After=basic.target
AllowIsolate=yes
END
cat > "$units/story.service" <<'END'
[Unit]
After=basic.target
[Service]
Type=oneshot
# By the shell: a file that systemd opens for the whole unit is written over by what the last command says.
ExecStart=/bin/sh -c 'exec /story > /told 2>&1'
ExecStopPost=/bin/systemctl --no-block poweroff
END

# Control groups of our own, below ours, so that the guest's can be removed afterwards.
for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    mkdir -p "$tree/story.$$" && echo $$ > "$tree/story.$$/cgroup.procs"
done
timeout "$seconds" systemd-nspawn --quiet --directory="$work/image" --register=no --keep-unit --private-network \
    --link-journal=no --boot --console=pipe -- systemd.unit=story.target < /dev/null >&2 || echo "nspawn: $?" >&2
cat "$work/image/told"
# A group cannot be removed before the last process in it is quite gone.
removed() {
    echo $$ > "$1/cgroup.procs"
    find "$1/story.$$" -depth -type d -exec rmdir {} + 2> /dev/null
}
for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    tries=0
    until removed "$tree" || [ $((tries += 1)) -ge 100 ]; do sleep 0.1; done
done
umount --recursive --lazy "$work"
rmdir "$work"
