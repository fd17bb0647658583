package dev.postern.runtime.listener;

/**
 * Why a guard ended a connection, or reset a stream of one. The code is stable: it is in the answer, in the security event and in the
 * docs. Never rename one.
 */
public enum Reason {
    REQUEST_LINE("framing.request_line", 400),
    REQUEST_TARGET("framing.request_target", 400),
    VERSION("framing.version", 505),
    BARE_LF("framing.bare_lf", 400),
    BARE_CR("framing.bare_cr", 400),
    OBS_FOLD("framing.obs_fold", 400),
    FIELD_NAME("framing.field_name", 400),
    FIELD_NAME_EMPTY("framing.field_name_empty", 400),
    FIELD_NAME_SPACE("framing.space_before_colon", 400),
    FIELD_NAME_UNDERSCORE("framing.field_name_underscore", 400),
    /** Not a name of the decoder behind us, but taken for one by it. */
    FIELD_NAME_ALIAS("framing.field_name_alias", 400),
    FIELD_VALUE("framing.field_value", 400),
    CL_SYNTAX("framing.cl_syntax", 400),
    CL_REPEATED("framing.cl_repeated", 400),
    CL_TOO_LARGE("framing.cl_too_large", 413),
    TE_FINAL("framing.te_final", 400),
    TE_CODING("framing.te_coding", 501),
    TE_REPEATED("framing.te_repeated", 400),
    TE_HTTP10("framing.te_http10", 400),
    TE_AND_CL("framing.te_and_cl", 400),
    WEBSOCKET_KEY("framing.websocket_key", 400),
    CHUNK_SIZE("framing.chunk_size", 400),
    CHUNK_EXTENSION("framing.chunk_extension", 400),
    CHUNK_EXTENSION_TOO_LARGE("framing.chunk_extension_too_large", 400),
    CHUNK_END("framing.chunk_end", 400),
    TRAILER_FORBIDDEN("framing.trailer_forbidden", 400),
    TRAILER_TOO_LARGE("framing.trailer_too_large", 431),
    REQUEST_LINE_TOO_LONG("head.request_line_too_long", 414),
    HEAD_TOO_LARGE("head.too_large", 431),
    TOO_MANY_FIELDS("head.too_many_fields", 431),
    HEAD_TIMEOUT("head.timeout", 408),
    /** More than the guard holds of the requests that a client sent before the answer to the one under way. */
    PIPELINE_OVERFLOW("framing.pipeline_overflow", 400),
    /** The guard let the bytes pass, the decoder did not: the two grammars differ, and that is a defect of ours. */
    DECODER_REFUSED("framing.decoder_refused", 400),
    /** Guard and decoder saw different messages in the same bytes: the start of every smuggling attack. */
    DISAGREEMENT("framing.disagreement", 400),
    /** The decoder is not where the guard expects it: nothing may pass. */
    UNGUARDED("framing.unguarded", 500),
    H2_PSEUDO_HEADER("h2.pseudo_header", 400),
    H2_FIELD_NAME("h2.field_name", 400),
    H2_FIELD_VALUE("h2.field_value", 400),
    H2_CONNECTION_FIELD("h2.connection_field", 400),
    H2_TRAILER("h2.trailer", 400),
    /** Refused by the codec behind us: content unlike its length, frames out of order, names in capitals. */
    H2_PROTOCOL("h2.protocol", 400),
    H2_FLOOD("h2.flood", 429),
    H2_TIMEOUT("h2.timeout", 408),
    H2_PREFACE("h2.preface", 400),
    TLS_HANDSHAKE("tls.handshake", 0),
    TLS_TIMEOUT("tls.timeout", 0);

    private final String code;
    private final int status;

    Reason(String code, int status) {
        this.code = code;
        this.status = status;
    }

    /** The stable name. */
    public String code() {
        return code;
    }

    /** The status of the answer; over HTTP/2, where there is none, of the like over HTTP/1.1; 0 where there is no HTTP yet. */
    public int status() {
        return status;
    }
}
