/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/dictionary.h"

#include "base/error.h"

#include <string.h>

typedef struct element {
    const char *name, *type;
} element;

#define REFERENCE(structure) "PTR_STRUCT(" structure " *)"

static const element frame_elements[] = {
    {"name", "STRING"},
    {"run", "INT_4S"},
    {"frame", "INT_4U"},
    {"dataQuality", "INT_4U"},
    {"GTimeS", "INT_4U"},
    {"GTimeN", "INT_4U"},
    {"ULeapS", "INT_2U"},
    {"dt", "REAL_8"},
    {"type", REFERENCE("FrVect")},
    {"user", REFERENCE("FrVect")},
    {"detectSim", REFERENCE("FrDetector")},
    {"detectProc", REFERENCE("FrDetector")},
    {"history", REFERENCE("FrHistory")},
    {"rawData", REFERENCE("FrRawData")},
    {"procData", REFERENCE("FrProcData")},
    {"simData", REFERENCE("FrSimData")},
    {"event", REFERENCE("FrEvent")},
    {"simEvent", REFERENCE("FrSimEvent")},
    {"summaryData", REFERENCE("FrSummary")},
    {"auxData", REFERENCE("FrVect")},
    {"auxTable", REFERENCE("FrTable")},
    {"chkSum", "INT_4U"},
};

static const element raw_elements[] = {
    {"name", "STRING"},
    {"firstSer", REFERENCE("FrSerData")},
    {"firstAdc", REFERENCE("FrAdcData")},
    {"firstTable", REFERENCE("FrTable")},
    {"logMsg", REFERENCE("FrMsg")},
    {"more", REFERENCE("FrVect")},
    {"chkSum", "INT_4U"},
};

static const element adc_elements[] = {
    {"name", "STRING"},           {"comment", "STRING"},
    {"channelGroup", "INT_4U"},   {"channelNumber", "INT_4U"},
    {"nBits", "INT_4U"},          {"bias", "REAL_4"},
    {"slope", "REAL_4"},          {"units", "STRING"},
    {"sampleRate", "REAL_8"},     {"timeOffset", "REAL_8"},
    {"fShift", "REAL_8"},         {"phase", "REAL_4"},
    {"dataValid", "INT_2U"},      {"data", REFERENCE("FrVect")},
    {"aux", REFERENCE("FrVect")}, {"next", REFERENCE("FrAdcData")},
    {"chkSum", "INT_4U"},
};

static const element vect_elements[] = {
    {"name", "STRING"},
    {"compress", "INT_2U"},
    {"type", "INT_2U"},
    {"nData", "INT_8U"},
    {"nBytes", "INT_8U"},
    {"data", "CHAR[nBytes]"},
    {"nDim", "INT_4U"},
    {"nx", "INT_8U[nDim]"},
    {"dx", "REAL_8[nDim]"},
    {"startX", "REAL_8[nDim]"},
    {"unitX", "STRING[nDim]"},
    {"unitY", "STRING"},
    {"next", REFERENCE("FrVect")},
    {"chkSum", "INT_4U"},
};

static const element end_of_frame_elements[] = {
    {"run", "INT_4S"},    {"frame", "INT_4U"},  {"GTimeS", "INT_4U"},
    {"GTimeN", "INT_4U"}, {"chkSum", "INT_4U"},
};

static const element toc_elements[] = {
    {"ULeapS", "INT_2S"},
    {"nFrame", "INT_4U"},
    {"dataQuality", "INT_4U[nFrame]"},
    {"GTimeS", "INT_4U[nFrame]"},
    {"GTimeN", "INT_4U[nFrame]"},
    {"dt", "REAL_8[nFrame]"},
    {"runs", "INT_4S[nFrame]"},
    {"frame", "INT_4U[nFrame]"},
    {"positionH", "INT_8U[nFrame]"},
    {"nFirstADC", "INT_8U[nFrame]"},
    {"nFirstSer", "INT_8U[nFrame]"},
    {"nFirstTable", "INT_8U[nFrame]"},
    {"nFirstMsg", "INT_8U[nFrame]"},
    {"nSH", "INT_4U"},
    {"SHid", "INT_2U[nSH]"},
    {"SHname", "STRING[nSH]"},
    {"nDetector", "INT_4U"},
    {"nameDetector", "STRING[nDetector]"},
    {"positionDetector", "INT_8U[nDetector]"},
    {"nStatType", "INT_4U"},
    {"nameStat", "STRING[nStatType]"},
    {"detector", "STRING[nStatType]"},
    {"nStatInstance", "INT_4U[nStatType]"},
    {"nTotalStat", "INT_4U"},
    {"tStart", "INT_4U[nTotalStat]"},
    {"tEnd", "INT_4U[nTotalStat]"},
    {"version", "INT_4U[nTotalStat]"},
    {"positionStat", "INT_8U[nTotalStat]"},
    {"nADC", "INT_4U"},
    {"name", "STRING[nADC]"},
    {"channelID", "INT_4U[nADC]"},
    {"groupID", "INT_4U[nADC]"},
    {"positionADC", "INT_8U[nADC][nFrame]"},
    {"nProc", "INT_4U"},
    {"nameProc", "STRING[nProc]"},
    {"positionProc", "INT_8U[nProc][nFrame]"},
    {"nSim", "INT_4U"},
    {"nameSim", "STRING[nSim]"},
    {"positionSim", "INT_8U[nSim][nFrame]"},
    {"nSer", "INT_4U"},
    {"nameSer", "STRING[nSer]"},
    {"positionSer", "INT_8U[nSer][nFrame]"},
    {"nSummary", "INT_4U"},
    {"nameSum", "STRING[nSummary]"},
    {"positionSum", "INT_8U[nSummary][nFrame]"},
    {"nEventType", "INT_4U"},
    {"nameEvent", "STRING[nEventType]"},
    {"nEvent", "INT_4U[nEventType]"},
    {"nTotalEvent", "INT_4U"},
    {"GTimeSEvent", "INT_4U[nTotalEvent]"},
    {"GTimeNEvent", "INT_4U[nTotalEvent]"},
    {"amplitudeEvent", "REAL_4[nTotalEvent]"},
    {"positionEvent", "INT_8U[nTotalEvent]"},
    {"nSimEventType", "INT_4U"},
    {"nameSimEvent", "STRING[nSimEventType]"},
    {"nSimEvent", "INT_4U[nSimEventType]"},
    {"nTotalSEvent", "INT_4U"},
    {"GTimeSSim", "INT_4U[nTotalSEvent]"},
    {"GTimeNSim", "INT_4U[nTotalSEvent]"},
    {"amplitudeSimEvent", "REAL_4[nTotalSEvent]"},
    {"positionSimEvent", "INT_8U[nTotalSEvent]"},
    {"chkSum", "INT_4U"},
};

static const element end_of_file_elements[] = {
    {"nFrames", "INT_4U"},        {"nBytes", "INT_8U"}, {"seekTOC", "INT_8U"},
    {"chkSumFrHeader", "INT_4U"}, {"chkSum", "INT_4U"}, {"chkSumFile", "INT_4U"},
};

/* What describes a class. */
typedef struct description {
    ark_gwf_class kind;
    const char *name;
    size_t count;
    const element *elements;
} description;

#define ELEMENTS(elements) sizeof elements / sizeof *elements, elements
static const description descriptions[ARK_GWF_DICTIONARY_COUNT] = {
    {ARK_GWF_FRAME, "FrameH", ELEMENTS(frame_elements)},
    {ARK_GWF_RAW, "FrRawData", ELEMENTS(raw_elements)},
    {ARK_GWF_ADC, "FrAdcData", ELEMENTS(adc_elements)},
    {ARK_GWF_VECT, "FrVect", ELEMENTS(vect_elements)},
    {ARK_GWF_END_OF_FRAME, "FrEndOfFrame", ELEMENTS(end_of_frame_elements)},
    {ARK_GWF_TOC, "FrTOC", ELEMENTS(toc_elements)},
    {ARK_GWF_END_OF_FILE, "FrEndOfFile", ELEMENTS(end_of_file_elements)},
};

const ark_gwf_class ark_gwf_dictionary_classes[ARK_GWF_DICTIONARY_COUNT] = {
    ARK_GWF_FRAME,        ARK_GWF_RAW, ARK_GWF_ADC,        ARK_GWF_VECT,
    ARK_GWF_END_OF_FRAME, ARK_GWF_TOC, ARK_GWF_END_OF_FILE};

const char *ark_gwf_dictionary_name(ark_gwf_class kind)
{
    for (size_t i = 0; i < ARK_GWF_DICTIONARY_COUNT; i++)
        if (descriptions[i].kind == kind)
            return descriptions[i].name;
    return "";
}

ark_gwf_class ark_gwf_dictionary_find(const char *name)
{
    for (size_t i = 0; i < ARK_GWF_DICTIONARY_COUNT; i++)
        if (strcmp(descriptions[i].name, name) == 0)
            return descriptions[i].kind;
    return strcmp(name, "FrProcData") == 0 ? ARK_GWF_PROC : ARK_GWF_NO_CLASS;
}

arrakis_status ark_gwf_dictionary_write(ark_gwf_out *out, arrakis_error *err)
{
    uint32_t instance = 0;
    for (uint32_t i = 0; i < ARK_GWF_DICTIONARY_COUNT; i++) {
        const description *d = &descriptions[i];
        ark_gwf_out_text(out, d->name);
        ark_gwf_out_u16(out, (uint16_t)d->kind);
        ark_gwf_out_text(out, ""); /* a comment */
        ARK_TRY(ark_gwf_out_structure(out, ARK_GWF_SH, i, err));
        for (size_t k = 0; k < d->count; k++) {
            ark_gwf_out_text(out, d->elements[k].name);
            ark_gwf_out_text(out, d->elements[k].type);
            ark_gwf_out_text(out, "");
            ARK_TRY(ark_gwf_out_structure(out, ARK_GWF_SE, instance++, err));
        }
    }
    return ARRAKIS_OK;
}
