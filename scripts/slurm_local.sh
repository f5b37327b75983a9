#!/usr/bin/env bash
# A SLURM cluster of two nodes on this one machine, for trying and testing `+cluster=slurm`. It needs the Debian
# packages slurm-wlm and munge, but no root, and touches nothing outside its folder.
#
#   scripts/slurm_local.sh start [FOLDER]      starts it; eval "$(...)" sets PATH and SLURM_CONF to use it
#   scripts/slurm_local.sh fail NODE [FOLDER]  the node (local1 or local2) dies at once, with all that runs on it
#   scripts/slurm_local.sh stop [FOLDER]       stops it; its logs stay
#
# There is no accounting store, so `sacct`, which submitit asks for the fate of a job, is the stand-in scripts/sacct.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
do=${1:-help}
node=""
if [ "$do" = fail ]; then node=${2:?which node? local1 or local2}; shift; fi
folder=${2:-${TMPDIR:-/tmp}/slurm_local_$(id -u)}
export SLURM_CONF="$folder/slurm.conf"
PATH=$PATH:/usr/sbin:/sbin

configure() {
    local base=$((20000 + $$ % 20000)) me
    me=$(id -un)
    mkdir -p "$folder/bin" "$folder/state" "$folder/local1" "$folder/local2"
    ln -sf "$here/sacct" "$folder/bin/sacct"
    [ -s "$folder/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
    # Two devices a node that are called GPUs: a request for some is granted, counted and told to the job.
    echo "Name=gpu File=/dev/null,/dev/zero" >"$folder/gres.conf"
    # cred_expire: how long a requeued job waits before it may start again (120 s by default).
    # MinJobAge: ended jobs stay known to scontrol, and so to the stand-in of sacct, for a day.
    # Preempt: jobs of the partition "urgent" send those of "local" back into the queue.
    cat >"$SLURM_CONF" <<END
ClusterName=local
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$base
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser=$me
SlurmdUser=$me
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/%n.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
GresTypes=gpu
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SchedulerParameters=bf_interval=2,sched_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=5
MessageTimeout=3
TCPTimeout=1
KillWait=2
MinJobAge=86400
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=local1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((base + 1)) CPUs=2 RealMemory=16000 Gres=gpu:2
NodeName=local2 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((base + 2)) CPUs=2 RealMemory=16000 Gres=gpu:2
PartitionName=local Nodes=local1,local2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=local1,local2 MaxTime=INFINITE State=UP PriorityTier=2
END
}

start() {
    for program in munged slurmctld slurmd sbatch srun scontrol; do
        command -v "$program" >/dev/null ||
            { echo "$program is missing: apt-get install slurm-wlm munge" >&2; exit 2; }
    done
    stop
    configure
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed" \
        2>>"$folder/munged.log"
    slurmctld -c -i 2>>"$folder/slurmctld.log"
    slurmd -N local1 2>>"$folder/local1.log"
    slurmd -N local2 2>>"$folder/local2.log"
    for _ in $(seq 100); do
        if [ "$(scontrol show node 2>/dev/null | grep -c 'State=IDLE ')" = 2 ]; then
            echo "export SLURM_CONF='$SLURM_CONF' PATH='$folder/bin':\"\$PATH\""
            return
        fi
        sleep 0.2
    done
    echo "the nodes do not answer; see the logs in $folder" >&2
    tail -n 5 "$folder"/*.log >&2
    exit 1
}

# The keepers of a node's jobs: they name the job in their title, and have a socket in the node's folder.
keepers() {
    local socket job
    for socket in "$folder/$1/$1"_*; do
        [ -S "$socket" ] || continue
        job=${socket##*_}
        pgrep -f "^slurmstepd: \[${job%%.*}\." || true
    done | sort -u
}

tree() {
    local child
    for child in $(pgrep -P "$1"); do tree "$child"; done
    echo "$1"
}

# The keepers first: one that outlives its job by a moment reports that the job failed, as no dead node would.
fail() {
    local keeper first below=""
    first=$(keepers "$1")
    for keeper in $first; do below+=" $(tree "$keeper" | tr '\n' ' ')"; done
    # shellcheck disable=SC2086
    kill -9 "$(cat "$folder/$1.pid")" $first $below 2>/dev/null || true
}

stop() {
    local file
    [ -d "$folder" ] || return 0
    for one in local1 local2; do [ -f "$folder/$one.pid" ] && fail "$one"; done
    for file in "$folder"/slurmctld.pid "$folder"/munged.pid; do
        [ -f "$file" ] && kill "$(cat "$file")" 2>/dev/null || continue
        for _ in $(seq 50); do [ -f "$file" ] && sleep 0.1; done # it removes the file when it is done
    done
    rm -rf "$folder"/*.pid "$folder"/munge.socket* "$folder/state" "$folder/local1" "$folder/local2"
}

case $do in
start) start ;;
fail) fail "$node" ;;
stop) stop ;;
*) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
