/** Runs the policies of an upstream against simulated endpoints in virtual time: one seed, one trace. */
@org.jspecify.annotations.NullMarked
package dev.postern.runtime.simulation;
