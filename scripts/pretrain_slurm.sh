#!/usr/bin/env bash
#SBATCH --job-name=train_gpt
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@300
# Pretrains on several nodes under Slurm: one task for each GPU, with the settings of scripts/pretrain_node.sh.
# usage: sbatch [sbatch's flags] scripts/pretrain_slurm.sh DATA OUT [FLAG...]        from this repository's directory
#   DATA, OUT  token shards and directory of the run, on a file system that all nodes see
#   FLAG...    flags of train_gpt pretrain, which replace the settings: --size gpt2-xl --steps 20000 ...
# For instance 4 nodes of 4 GPUs: sbatch --nodes 4 --ntasks-per-node 4 --gpus-per-node 4 scripts/pretrain_slurm.sh DATA OUT
# Five minutes before its time is over the job saves, and is queued again; so is one that was preempted or lost a node. Every start
# goes on from the newest checkpoint in OUT.
set -euo pipefail

usage() { sed -n '11,17s/^# \{0,1\}//p' "$0"; }
case ${1-} in -h | --help) usage; exit 0 ;; esac
if [ $# -lt 2 ] || [ "${1#-}" != "$1" ] || [ "${2#-}" != "$2" ]; then usage >&2; exit 2; fi
if [ -z "${SLURM_JOB_ID-}" ]; then
    echo "error: not inside of a Slurm job" >&2
    echo "       submit it: sbatch scripts/pretrain_slurm.sh DATA OUT; on one machine use scripts/pretrain_node.sh" >&2
    exit 2
fi
# Slurm runs a copy of this script, which lies elsewhere
cd "${SLURM_SUBMIT_DIR:?}"
if [ ! -x scripts/pretrain_node.sh ]; then
    echo "error: $SLURM_SUBMIT_DIR: scripts/pretrain_node.sh is not there" >&2
    echo "       submit from the directory of the repository" >&2
    exit 2
fi
tasks=${SLURM_NTASKS_PER_NODE:-${SLURM_TASKS_PER_NODE:-}} gpus=${SLURM_GPUS_ON_NODE:-}
if [ -n "$gpus" ] && [ "${tasks%%(*}" != "$gpus" ]; then
    echo "error: ${tasks%%(*} tasks and $gpus GPUs a node: a rank is a GPU" >&2
    echo "       give --ntasks-per-node and --gpus-per-node the same number" >&2
    exit 2
fi

MASTER_ADDR=$(scontrol show hostnames "${SLURM_JOB_NODELIST:?}" | sed -n 1p)
MASTER_PORT=$((20000 + SLURM_JOB_ID % 10000)) # below the ports that systems give to clients
export MASTER_ADDR MASTER_PORT
echo "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)): ${SLURM_NTASKS:-?} ranks on ${SLURM_NNODES:-?} nodes, rank 0 at $MASTER_ADDR:$MASTER_PORT"

# TERM makes every rank finish its step and rank 0 save
out_of_time=0
trap 'out_of_time=1; kill -TERM "$step"' USR1
srun --kill-on-bad-exit=1 scripts/pretrain_node.sh "$1" "$2" --threads "${SLURM_CPUS_PER_TASK:-8}" "${@:3}" &
step=$!
status=0
wait "$step" || status=$?
if [ "$out_of_time" = 1 ]; then
    wait "$step" || true # the first wait ended with the signal
    echo "out of time: queued again"
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
exit "$status"
