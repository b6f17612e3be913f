# SPDX-License-Identifier: Apache-2.0
# Each tests/{broker,interop,librdkafka}/test_x.py is a test of its own, run by pytest in .deps/venv. They
# share one broker, which ends with ctest if not before.
set(python ${root}/.deps/venv/bin/python)
set(broker ${python} ${root}/tests/broker/broker.py)
set(state ${CMAKE_CURRENT_BINARY_DIR}/broker.json)
set(release ${ARRAKIS_RELEASE_BUILD})
if(NOT release)
    set(release ${PROJECT_BINARY_DIR})
endif()

add_test(NAME broker.up COMMAND ${broker} start --state ${state})
add_test(NAME broker.down COMMAND ${broker} stop --state ${state})
set_tests_properties(broker.up PROPERTIES FIXTURES_SETUP broker LABELS broker TIMEOUT 200)
set_tests_properties(broker.down PROPERTIES FIXTURES_CLEANUP broker LABELS broker TIMEOUT 60)

set(python_environment ${sanitizer_environment}
    "ARRAKIS_TEST_BROKER_STATE=${state}"
    "ARRAKIS_CLI=$<TARGET_FILE:arrakis-cli>"
    "ARRAKIS_RELEASE_CLI=${release}/arrakis-cli"
    "ARRAKIS_TOOLS=${CMAKE_CURRENT_BINARY_DIR}"
    "ARRAKIS_SYSTEM_LIBRDKAFKA=${RDKAFKA_VERSION}"
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1"
    "XDG_CACHE_HOME=${root}/.deps/cache" # the reference looks up leap seconds there
    "PYTHONDONTWRITEBYTECODE=1")
if(CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
    list(APPEND python_environment "ARRAKIS_SANITIZER=thread")
endif()

# ctest counts quarters of a processor: tools/test.sh tells it of as many as there are. A quarter is enough for tests
# that mostly wait for time limits to pass, half of one for those that compute about as long as they wait; the others
# here take a whole one. `time` of pytest with the file has the CPU time, that of a broker of its own with it.
set(waits "^(broker\\.(ends|follow|gaps|group|interrupt|login|loop|record|record_follow|record_terminal|restart|start|topics)|interop\\.(comeback|differential|faults|flight_limits|publish_faults)|python\\.(follow|interrupt)|unit\\.(flight_reader|group|kafka_leaders|kafka_metadata_topics|kafka_query|lookout|publisher))(@|$)")
set(half_waits "^(broker\\.nodes|interop\\.(random|same_blocks|scenarios)|python\\.reference)(@|$)")
function(arrakis_quarters name quarters)
    set(wait 1)
    set(half_wait 2)
    if(CMAKE_C_FLAGS MATCHES "-fsanitize=thread") # under which they compute
        set(wait 2)
        set(half_wait 4)
    endif()
    if(name MATCHES "${waits}")
        set(quarters ${wait})
    elseif(name MATCHES "${half_waits}")
        set(quarters ${half_wait})
    endif()
    set_tests_properties(${name} PROPERTIES PROCESSORS ${quarters})
    # These are the long ones, too: begun early, none of them is left alone at the end.
    if(name MATCHES "${waits}|${half_waits}")
        set_tests_properties(${name} PROPERTIES COST 100)
    endif()
endfunction()

file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/tmp)
# The rest: arguments for pytest.
function(arrakis_python_test name file)
    arrakis_test(${name}
        ${python} -m pytest -q -rs --tb=short -p no:cacheprovider --rootdir ${root}/tests
        --basetemp ${CMAKE_CURRENT_BINARY_DIR}/tmp/${name} ${file} ${ARGN})
    set_tests_properties(${name} PROPERTIES
        TIMEOUT 600 LABELS broker FIXTURES_REQUIRED broker ENVIRONMENT "${python_environment}")
    arrakis_quarters(${name} 4)
endfunction()

# The programs under test run on this librdkafka, python on its own: see program() in support.py.
function(arrakis_python_test_on version test file)
    arrakis_python_test(${test}@${version} ${file} ${ARGN})
    set_property(TEST ${test}@${version} APPEND PROPERTY
        ENVIRONMENT "ARRAKIS_LIBRDKAFKA=${version}")
    arrakis_librdkafka_label(${test}@${version} ${version})
endfunction()

# It runs them on all versions itself, since what they are compared to takes longer than they do: see LIBRDKAFKAS in
# support.py.
function(arrakis_python_test_has_all out test file)
    file(STRINGS ${file} line LIMIT_COUNT 1 REGEX "LIBRDKAFKAS")
    if(line)
        string(REPLACE ";" "," others "${ARRAKIS_OTHER_LIBRDKAFKAS}")
        set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT "ARRAKIS_OTHER_LIBRDKAFKAS=${others}")
        foreach(version ${ARRAKIS_OTHER_LIBRDKAFKAS})
            arrakis_librdkafka_label(${test} ${version})
        endforeach()
        set(${out} ON PARENT_SCOPE)
    else()
        set(${out} OFF PARENT_SCOPE)
    endif()
endfunction()

# A server of the user's own, where there is one: `make test` installs none.
find_program(ARRAKIS_SSHD sshd PATHS /usr/sbin /usr/local/sbin)
foreach(tier librdkafka broker interop)
    file(GLOB files CONFIGURE_DEPENDS ${root}/tests/${tier}/test_*.py)
    foreach(file ${files})
        get_filename_component(x ${file} NAME_WE)
        string(REGEX REPLACE "^test_" "" x ${x})
        if(x MATCHES "^(comeback|direct_read|faults|flight|flight_double|flight_limits|publish_faults|register|same_blocks|scenarios|side_by_side|ssh|threads)$" AND NOT ARRAKIS_FLIGHT)
            continue()
        endif()
        if(x STREQUAL ssh AND NOT ARRAKIS_SSHD)
            continue()
        endif()
        arrakis_python_test(${tier}.${x} ${file})
        arrakis_touches_librdkafka(touches ${file})
        if(touches)
            arrakis_librdkafka_label(${tier}.${x} ${RDKAFKA_VERSION})
            arrakis_python_test_has_all(has_all ${tier}.${x} ${file})
            if(has_all)
                continue()
            endif()
            foreach(version ${ARRAKIS_OTHER_LIBRDKAFKAS})
                arrakis_python_test_on(${version} ${tier}.${x} ${file})
            endforeach()
        endif()
    endforeach()
endforeach()

# By far the longest: begun early, it does not keep the others waiting at the end.
if(TEST interop.faults)
    set_tests_properties(interop.faults PROPERTIES COST 1000)
endif()

# What is measured is measured alone.
foreach(name memory.live20 cpu.idle20 start.first_block)
    string(REPLACE "." "_" function test_${name})
    arrakis_python_test(${name} ${root}/tests/resources/test_live.py::${function} -s)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
endforeach()

arrakis_python_test(memory.catalog ${root}/tests/resources/test_catalog.py -s)
set_tests_properties(memory.catalog PROPERTIES RUN_SERIAL ON)

# Three nodes of its own that fail, programs on all librdkafkas beside each other: five minutes in which nothing
# else runs, and of the release build, since time is what is judged.
arrakis_python_test(cluster.scenes ${root}/tests/cluster -s)
set_tests_properties(cluster.scenes PROPERTIES RUN_SERIAL ON FIXTURES_REQUIRED "")
set_property(TEST cluster.scenes APPEND PROPERTY ENVIRONMENT "ARRAKIS_CLI=${release}/arrakis-cli")

# `make soak` in short, so that it does not rot: twelve partitions, a node killed, connections cut.
if(TARGET soak_tool AND ARRAKIS_FLIGHT)
    set(sanitized)
    if(CMAKE_C_FLAGS MATCHES "-fsanitize")
        set(sanitized --sanitized)
    endif()
    arrakis_test(broker.soak ${python} ${root}/tests/soak/soak.py --minutes 0.4 --partitions 12
        --quiet 3 --latency 6 --faults tear_all,kill --build ${PROJECT_BINARY_DIR} ${sanitized}
        --logs ${CMAKE_CURRENT_BINARY_DIR}/tmp/broker.soak)
    # It judges what is in time, by three nodes of its own: there is not much beside it.
    set_tests_properties(broker.soak PROPERTIES
        PROCESSORS 6 COST 2000 LABELS broker ENVIRONMENT "${python_environment}")
    arrakis_librdkafka_label(broker.soak ${RDKAFKA_VERSION})
    arrakis_python_test(soak.figures ${root}/tests/soak/test_figures.py)
    set_tests_properties(soak.figures PROPERTIES FIXTURES_REQUIRED "")
endif()

# Mutated messages of rows, as pyarrow reads them; a million: make fuzz-differential. No broker.
if(TARGET rows_tool)
    arrakis_test(interop.arrow_fuzz
        ${python} ${root}/tests/interop/arrow_fuzz.py $<TARGET_FILE:rows_tool> --messages 20000 --jobs 1)
    set_tests_properties(interop.arrow_fuzz PROPERTIES
        LABELS broker ENVIRONMENT "${python_environment}"
        WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
endif()

# Both directions of arrow_ipc against pyarrow; needs no broker.
if(TARGET arrow_tool)
    arrakis_test(interop.arrow
        ${python} ${root}/tests/interop/arrow_oracle.py $<TARGET_FILE:arrow_tool>)
    set_tests_properties(interop.arrow PROPERTIES
        LABELS broker ENVIRONMENT "${python_environment}")
endif()

# The Python package, as the release build has it: under ASan, python itself would have to be started with the
# sanitizer's library before all others, and its leaks and numpy's would have to be told from ours.
set(ARRAKIS_PYTHON_PACKAGE "" CACHE PATH "Directory of the package libarrakis that is tested, such as build/python")
if(ARRAKIS_PYTHON_PACKAGE)
    file(GLOB files CONFIGURE_DEPENDS ${root}/python/tests/test_*.py)
    foreach(file ${files})
        get_filename_component(x ${file} NAME_WE)
        string(REGEX REPLACE "^test_" "" x ${x})
        if(x STREQUAL server AND NOT ARRAKIS_FLIGHT)
            continue()
        endif()
        arrakis_python_test(python.${x} ${file})
        if(NOT x STREQUAL follow) # the others have brokers of their own, or in the process
            set_tests_properties(python.${x} PROPERTIES FIXTURES_REQUIRED "")
        endif()
        set_property(TEST python.${x} APPEND PROPERTY
            ENVIRONMENT "ARRAKIS_PYTHON_PACKAGE=${ARRAKIS_PYTHON_PACKAGE}")
    endforeach()
endif()

# What has not been given its part yet, such as programs of tests/unit: half of a processor.
get_property(tests DIRECTORY PROPERTY TESTS)
foreach(test ${tests})
    get_test_property(${test} PROCESSORS quarters)
    if(NOT quarters)
        arrakis_quarters(${test} 2)
    endif()
endforeach()
