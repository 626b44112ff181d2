#!/bin/sh
# A real Slurm cluster of two nodes on this one machine, as root, out of Debian's packages: every daemon and every file
# of it lies below one directory, so that a machine's own Slurm is neither used nor changed.
#   cluster.sh start DIR PORT [accounting]   ports PORT to PORT+4; with accounting, slurmdbd on a MariaDB of its own
#   cluster.sh node DIR n1|n2                starts that node again
#   cluster.sh controller DIR                starts slurmctld again
#   cluster.sh stop DIR                      ends all of it
set -eu
command=$1 dir=$2
host=$(hostname -s)
export SLURM_CONF="$dir/slurm.conf"

pid() { cat "$dir/run/$1.pid" 2>/dev/null || true; }

node() {
  slurmd -N "$1" -f "$SLURM_CONF"
}

controller() {
  slurmctld -f "$SLURM_CONF"
}

# until COMMAND… waits for it to succeed, for half a minute.
until_ok() {
  end=$(($(date +%s) + 30))
  while [ "$(date +%s)" -lt $end ]; do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  echo "cluster.sh: it never succeeded: $*" >&2
  "$@"
}

both_idle() { [ "$(sinfo -h -N -o '%N %T' -p main | grep -c ' idle$')" = 2 ]; }

database() {
  mkdir -p "$dir/database"
  mariadb-install-db --no-defaults --user=root --datadir="$dir/database" --auth-root-authentication-method=normal >"$dir/log/install-db.log" 2>&1
  mariadbd --no-defaults --user=root --datadir="$dir/database" --socket="$dir/run/database" --skip-networking \
    --pid-file="$dir/run/mariadbd.pid" --log-error="$dir/log/mariadbd.log" --innodb-buffer-pool-size=64M >/dev/null 2>&1 &
  until_ok mariadb --no-defaults --socket="$dir/run/database" -e "CREATE DATABASE IF NOT EXISTS slurm_acct_db"
  cat >"$dir/slurmdbd.conf" <<END
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge
DbdHost=localhost
DbdPort=$((port + 2))
SlurmUser=root
LogFile=$dir/log/slurmdbd.log
PidFile=$dir/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageLoc=slurm_acct_db
StorageUser=root
END
  chmod 600 "$dir/slurmdbd.conf"
  # slurmdbd speaks to the database by the socket that the client library's settings name.
  printf '[client]\nsocket=%s\n' "$dir/run/database" >"$dir/my.cnf"
  SLURM_CONF="$dir/slurmdbd.conf" MARIADB_HOME="$dir" MYSQL_HOME="$dir" MYSQL_UNIX_PORT="$dir/run/database" slurmdbd
  until_ok sacctmgr -n -i add cluster dlbench
}

start() {
  port=$1 accounting=${2:-}
  remember=300 # seconds: how long the controller knows of a job that has ended
  if [ -z "$accounting" ]; then remember=5; fi
  mkdir -p "$dir/run" "$dir/log" "$dir/state" "$dir/spool/n1" "$dir/spool/n2"
  if [ ! -f "$dir/munge.key" ]; then
    dd if=/dev/urandom of="$dir/munge.key" bs=128 count=1 2>/dev/null
    chmod 400 "$dir/munge.key"
  fi
  chmod 755 "$dir" "$dir/run"
  chmod 700 "$dir/log"
  munged --force --num-threads=2 --socket="$dir/run/munge" --key-file="$dir/munge.key" --pid-file="$dir/run/munged.pid" \
    --log-file="$dir/log/munged.log" --seed-file="$dir/log/munged.seed"
  storage=none enforce=
  if [ -n "$accounting" ]; then storage=slurmdbd enforce="AccountingStorageEnforce=associations,limits,qos
AccountingStoragePass=$dir/run/munge"; fi
  # GPUs that are files: enough for Slurm to count, to hand out and to name them.
  cat >"$dir/gres.conf" <<END
NodeName=n[1-2] Name=gpu File=/dev/null
END
  cat >"$dir/slurm.conf" <<END
ClusterName=dlbench
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
AuthType=auth/munge
AuthInfo=socket=$dir/run/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/run/slurmctld.pid
SlurmdPidFile=$dir/run/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
MaxArraySize=4
ReturnToService=2
SlurmdTimeout=10
SlurmctldTimeout=30
InactiveLimit=0
MinJobAge=$remember
KillWait=5
CompleteWait=0
MpiDefault=none
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/$storage
AccountingStorageHost=localhost
AccountingStoragePort=$((port + 2))
$enforce
JobAcctGatherType=jobacct_gather/none
GresTypes=gpu
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 3)) CPUs=$(nproc) RealMemory=1000 Gres=gpu:1 Feature=odd State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 4)) CPUs=$(nproc) RealMemory=1000 Gres=gpu:1 Feature=even State=UNKNOWN
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=n[1-2] MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
END
  if [ -n "$accounting" ]; then database; fi
  controller
  node n1
  node n2
  until_ok both_idle
}

# ours says whether a process is one of this cluster's daemons: numbers are used again.
ours() {
  { tr '\0' '\n' <"/proc/$1/environ" | grep -qF "$dir/" || tr '\0' '\n' <"/proc/$1/cmdline" | grep -qF "$dir/"; } 2>/dev/null
}

# ended PID: TERM, then KILL for what does not heed it.
ended() {
  [ -n "$1" ] && [ "$1" -gt 1 ] && ours "$1" || return 0
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 50); do
    ours "$1" || return 0
    sleep 0.1
  done
  ! ours "$1" || kill -KILL "$1" 2>/dev/null || true
}

no_jobs() { [ -z "$(squeue -h)" ]; }

stop() {
  if [ -n "$(pid slurmctld)" ] && ours "$(pid slurmctld)"; then
    scancel --user=root 2>/dev/null || true
    until_ok no_jobs || true
  fi
  for name in slurmd-n1 slurmd-n2 slurmctld slurmdbd mariadbd munged; do ended "$(pid "$name")"; done
  # What runs a job outlives the daemon of its node.
  for step in $(pgrep -f '^slurmstepd: ' || true); do ended "$step"; done
}

case $command in
start) shift 2; start "$@" ;;
node) node "$3" ;;
controller) controller ;;
stop) stop ;;
*) echo "cluster.sh: $command: expected start, node, controller or stop" >&2; exit 2 ;;
esac
