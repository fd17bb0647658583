package dev.postern;

/**
 * Whether the gateway is well.
 *
 * @param live whether it works at all; false only before start and after stop
 * @param ready whether it wants traffic; goes false as the first step of a drain
 * @param detail one word for people: {@code running}, {@code draining}, {@code stopped}
 */
public record GatewayHealth(boolean live, boolean ready, String detail) {}
