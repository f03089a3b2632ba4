#include "agent/cli/cli.h"

int main(int argc, char** argv) {
  return proconsul::agent::cli::run_process(argc, argv);
}
