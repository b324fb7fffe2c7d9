#!/bin/bash
# `seal train` on the nodes of a Slurm allocation, one Ray node each.
#   sbatch deploy/ray/slurm.sh run.toml runs/a
# A job that hit its time limit goes on when it is submitted again with the same folder.
#SBATCH --job-name=seal
#SBATCH --nodes=10
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --requeue
set -euo pipefail
config=${1:?a recipe}
out=${2:?the folder of the run, on a disk that outlives the job}
# shellcheck disable=SC1091
source "${SEAL_VENV:-$HOME/seal}/bin/activate" # on a disk that all nodes see

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
port=6379
address=$(srun --nodes=1 --ntasks=1 -w "$head" hostname --ip-address | awk '{print $1}'):$port

srun --nodes=1 --ntasks=1 -w "$head" ray start --head --node-ip-address="${address%:*}" --port=$port --block &
sleep 20
if ((${#nodes[@]} > 1)); then
    srun --nodes=$((${#nodes[@]} - 1)) --ntasks=$((${#nodes[@]} - 1)) --exclude="$head" \
        ray start --address="$address" --block &
fi
# The driver runs on the head. Nodes that are still starting join the run when they are there.
srun --overlap --nodes=1 --ntasks=1 -w "$head" \
    seal train --config "$config" --out "$out" --executor ray --address "$address"
