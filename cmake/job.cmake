# A build that is one job's archive and nothing else: scripts/build-job has a tree of its own for the host and the plugins
# that the job's tools need, and finds out which these are by asking them.
if(NOT EXISTS ${CMAKE_SOURCE_DIR}/jobs/${LBOPS_JOB}.toml)
  message(FATAL_ERROR "there is no job ${LBOPS_JOB}: jobs/ has them")
endif()
if(CMAKE_BINARY_DIR STREQUAL ${CMAKE_SOURCE_DIR}/build-job-${LBOPS_JOB})
  message(FATAL_ERROR "scripts/build-job works in ${CMAKE_BINARY_DIR}: choose another folder")
endif()
set(with ${LBOPS_JOB_WITH})
list(TRANSFORM with PREPEND "--with;")
add_custom_target(job ALL COMMAND ${CMAKE_SOURCE_DIR}/scripts/build-job ${LBOPS_JOB} ${with} --output ${CMAKE_BINARY_DIR}
                  USES_TERMINAL VERBATIM)
