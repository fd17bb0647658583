package dev.postern.runtime.discovery;

import dev.postern.Endpoint;
import java.time.Duration;
import java.util.List;

/**
 * What a source has answered.
 *
 * @param endpoints who there is, in an order that does not change between equal answers
 * @param next when to ask again, 0 or more; zero for a question that the source itself holds until there is news
 */
record Found(List<Endpoint> endpoints, Duration next) {}
