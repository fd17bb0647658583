package dev.postern.security;

/** A token whose signature was checked with {@code key}; worth nothing once the issuer has withdrawn that key. */
record VerifiedToken(TokenFacts facts, JwtKey key) {}
