"""How good a risk model is: discrimination, calibration, utility, alert burden and whom it fails, with intervals by patient."""
