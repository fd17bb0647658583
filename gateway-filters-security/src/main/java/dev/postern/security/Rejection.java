package dev.postern.security;

import java.util.Locale;

/** Why a token was not accepted. For logs and observers; clients are told one and the same thing. */
enum Rejection {
    /** No bearer token in the request. */
    MISSING,
    /** More than one {@code Authorization} line. */
    DUPLICATE,
    /** Longer than 8 KiB. */
    TOO_LONG,
    /** Not three parts of strict base64url holding strict JSON and a signature. */
    MALFORMED,
    /** An algorithm that is not known here, or {@code none}. */
    ALGORITHM,
    /** A {@code crit} extension, {@code b64:false} or encryption. */
    EXTENSION,
    /** The token brings or names its own key: {@code jwk}, {@code jku}, {@code x5u}, {@code x5c}. */
    EMBEDDED_KEY,
    /** A {@code typ} of another purpose. */
    TYPE,
    /** No key of that id for that algorithm. */
    UNKNOWN_KEY,
    /** The signature does not fit. */
    SIGNATURE,
    /** Another issuer. */
    ISSUER,
    /** Meant for somebody else. */
    AUDIENCE,
    /** No expiry, or a date that is not an integer of seconds in a sane range. */
    DATES,
    /** Expired. */
    EXPIRED,
    /** Not valid yet. */
    NOT_YET_VALID,
    /** Issued too long ago. */
    TOO_OLD,
    /** Nobody is named. */
    SUBJECT,
    /** A required claim is missing or different. */
    CLAIM,
    /** The keys of the issuer cannot be had. */
    KEYS_UNAVAILABLE,
    /** Accepted, but a required scope is missing. */
    SCOPE;

    /** The stable name: {@code not_yet_valid}. */
    String code() {
        return name().toLowerCase(Locale.ROOT);
    }
}
