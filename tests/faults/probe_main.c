/* The probe without the rest of lbops, for tests. */
#include "registry.h"

int main(int argc, char **argv)
{
    return argc == 2 && strcmp(argv[1], "--probe") == 0 ? probe_main() : 2;
}
