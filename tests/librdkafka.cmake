# SPDX-License-Identifier: Apache-2.0
# What touches librdkafka is tested on several of them: the one built with, and those that
# tools/setup.sh has put into .deps, one for each tests/librdkafka/VERSION.lock. It is the same
# programs each time, with LD_LIBRARY_PATH before the system's. TEST is the test on the one built with,
# TEST@VERSION on another; the label rdkafka-VERSION selects all on one.
# ThreadSanitizer needs a librdkafka that has it too, which is the one built with.
set(ARRAKIS_OTHER_LIBRDKAFKAS "")
if(ARRAKIS_BROKER_TESTS AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
    file(GLOB locks CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/librdkafka/*.lock)
    foreach(lock ${locks})
        get_filename_component(version ${lock} NAME_WLE)
        if(version VERSION_EQUAL RDKAFKA_VERSION)
            continue()
        elseif(EXISTS ${root}/.deps/librdkafka-${version}/lib/librdkafka.so.1)
            list(APPEND ARRAKIS_OTHER_LIBRDKAFKAS ${version})
        elseif(ARRAKIS_SKIP_IS_FAILURE)
            message(FATAL_ERROR "No librdkafka ${version} in .deps: tools/setup.sh test")
        else()
            message(NOTICE "Not tested on librdkafka ${version}: tools/setup.sh test brings it")
        endif()
    endforeach()
endif()

# Whether a test touches librdkafka is seen in its source: it opens a Kafka client, names a broker or
# starts one. The rest (samples, blocks, Flight, command lines) would be the same test three times.
function(arrakis_touches_librdkafka out source)
    set_property(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(STRINGS ${source} line LIMIT_COUNT 1 REGEX
        "rdkafka|kafka_url|kafka-url|kafka_conf|kafka_reader_new|mock_broker|cli.? demo|Broker\\(|Nodes\\(|bootstrap[^.]")
    if(line)
        set(${out} ON PARENT_SCOPE)
    else()
        set(${out} OFF PARENT_SCOPE)
    endif()
endfunction()

function(arrakis_librdkafka_label test version)
    set_property(TEST ${test} APPEND PROPERTY LABELS rdkafka-${version})
endfunction()

# The rest: the command of a test that exists.
function(arrakis_test_on_librdkafka version test)
    arrakis_test(${test}@${version} ${ARGN})
    set_property(TEST ${test}@${version} APPEND PROPERTY
        ENVIRONMENT "LD_LIBRARY_PATH=${root}/.deps/librdkafka-${version}/lib")
    set_property(TEST ${test}@${version} APPEND PROPERTY LABELS broker)
    arrakis_librdkafka_label(${test}@${version} ${version})
endfunction()

# The same on each other version. source: what it is made of; the rest: its command.
function(arrakis_test_on_each_librdkafka test source)
    arrakis_touches_librdkafka(touches ${source})
    if(NOT touches)
        return()
    endif()
    arrakis_librdkafka_label(${test} ${RDKAFKA_VERSION})
    foreach(version ${ARRAKIS_OTHER_LIBRDKAFKAS})
        arrakis_test_on_librdkafka(${version} ${test} ${ARGN})
    endforeach()
endfunction()
