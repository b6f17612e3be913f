# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)

# A shared library carries its dependencies; a static one needs its users to find them.
set(ARRAKIS_STATIC_CONFIG OFF)
set(pc_requires "Requires.private: ${ARRAKIS_REQUIRES}")
set(pc_libs_private "Libs.private: -lpthread -lm")
if(NOT BUILD_SHARED_LIBS)
    set(ARRAKIS_STATIC_CONFIG ON)
    set(pc_requires "Requires: ${ARRAKIS_REQUIRES}")
    set(pc_libs_private "Libs.private:")
    set(pc_libs_static " -lpthread -lm")
endif()
# Relative to where the .pc file lies, so that the installed tree can be moved.
file(RELATIVE_PATH pc_prefix
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_prefix ${pc_prefix})
configure_file(cmake/arrakis.pc.in arrakis.pc @ONLY)
configure_package_config_file(cmake/arrakisConfig.cmake.in arrakisConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/arrakis)
# SameMinorVersion until 1.0: see SOVERSION.
write_basic_package_version_file(arrakisConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS arrakis EXPORT arrakis
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(module grpc hdf5)
    if(TARGET arrakis_${module})
        install(TARGETS arrakis_${module} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    endif()
endforeach()
if(TARGET arrakis-cli)
    install(TARGETS arrakis-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    # The program writes them itself, so it must run here.
    if(NOT CMAKE_CROSSCOMPILING)
        foreach(shell bash zsh fish)
            set(file ${CMAKE_CURRENT_BINARY_DIR}/completion.${shell})
            add_custom_command(OUTPUT ${file}
                COMMAND arrakis-cli completion ${shell} > ${file} DEPENDS arrakis-cli VERBATIM)
            list(APPEND completions ${file})
        endforeach()
        add_custom_target(completion ALL DEPENDS ${completions})
        install(FILES ${CMAKE_CURRENT_BINARY_DIR}/completion.bash RENAME arrakis-cli
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
        install(FILES ${CMAKE_CURRENT_BINARY_DIR}/completion.zsh RENAME _arrakis-cli
            DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
        install(FILES ${CMAKE_CURRENT_BINARY_DIR}/completion.fish RENAME arrakis-cli.fish
            DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
    endif()
endif()
install(DIRECTORY include/arrakis DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT arrakis NAMESPACE arrakis:: FILE arrakisTargets.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/arrakis)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/arrakisConfig.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/arrakisConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/arrakis)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/arrakis.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES docs/arrakis-cli.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
