package dev.postern.runtime.balancing;

/**
 * Why an endpoint is kept out by what its answers were like.
 *
 * @param reason in words: {@code 5 answers of 5xx in a row}
 * @param until nanoseconds of the time source at which it may return; it does so at the next look after it
 */
public record Ejection(String reason, long until) {}
